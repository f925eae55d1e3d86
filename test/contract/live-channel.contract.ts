// What every live channel must do. Messages may be lost, so what is awaited here is what arrives when nothing fails.

import { expect } from 'chai';
import type { LiveChannel, LiveMessage } from '#platform/live-channel/live-channel.ts';
import { eventually } from '../support/eventually.ts';

export interface LiveChannelUnderTest {
  /** Two ends of one channel; they may be one. */
  readonly speaker: LiveChannel;
  readonly reader: LiveChannel;
  close(): Promise<void>;
}

export function liveChannelContract(name: string, start: () => Promise<LiveChannelUnderTest>) {
  describe(`live channel: ${name}`, () => {
    let under: LiveChannelUnderTest;
    let speaker: LiveChannel;
    let reader: LiveChannel;
    beforeEach(async () => {
      under = await start();
      ({ speaker, reader } = under);
    });
    afterEach(() => under.close());

    /** Listens, and waits until the other end would be heard. */
    const listen = async (channel: string, on = reader) => {
      const heard: LiveMessage[] = [];
      const end = on.subscribe(channel, (message) => heard.push(message));
      await on.recent(channel);
      return { heard, end, values: () => heard.map(({ value }) => value) };
    };
    /** Waits until all that `speaker` said has been taken in. */
    const said = () => speaker.recent('nothing');

    it('brings every message in order, numbered by one', async () => {
      const { heard, values } = await listen('run/1');
      const sent = Array.from({ length: 500 }, (_, index) => ({ token: `t${index}`, index }));
      for (const value of sent) speaker.publish('run/1', value);
      await eventually(() => expect(heard).to.have.length(500));
      expect(values()).to.deep.equal(sent);
      const first = heard[0]!.sequence;
      expect(heard.map(({ sequence }) => sequence)).to.deep.equal(sent.map((_, index) => first + index));
    });

    it('carries any JSON, and undefined as null', async () => {
      const { values } = await listen('any');
      const sent = [null, true, 0, -1.5, '', 'çğıöşü 😀', [1, [2]], { a: { b: null } }];
      for (const value of [...sent, undefined]) speaker.publish('any', value);
      await eventually(() => expect(values()).to.deep.equal([...sent, null]));
    });

    it('keeps channels apart', async () => {
      const [one, two] = [await listen('run/1'), await listen('run/2')];
      speaker.publish('run/2', 'for two');
      speaker.publish('run/1', 'for one');
      speaker.publish('run/3', 'for nobody');
      await eventually(() => expect([one.values(), two.values()]).to.deep.equal([['for one'], ['for two']]));
    });

    it('brings what the same end says to its own listeners, in a later turn', async () => {
      const { heard, values } = await listen('own', speaker);
      speaker.publish('own', 1);
      expect(heard).to.have.length(0);
      await eventually(() => expect(values()).to.deep.equal([1]));
    });

    it('calls every listener of a channel, and none after it ended', async () => {
      const [one, two] = [await listen('run/1'), await listen('run/1')];
      speaker.publish('run/1', 'both');
      await eventually(() => expect([one.values(), two.values()]).to.deep.equal([['both'], ['both']]));
      one.end();
      one.end();
      speaker.publish('run/1', 'second only');
      await eventually(() => expect(two.values()).to.deep.equal(['both', 'second only']));
      two.end();
      speaker.publish('run/1', 'nobody');
      const three = await listen('run/1');
      speaker.publish('run/1', 'third only');
      await eventually(() => expect(three.values()).to.include('third only'));
      expect(one.values()).to.deep.equal(['both']);
      expect(two.values()).to.deep.equal(['both', 'second only']);
    });

    it('brings nothing from before', async () => {
      speaker.publish('run/1', 'before');
      await said();
      const { values } = await listen('run/1');
      speaker.publish('run/1', 'after');
      await eventually(() => expect(values()).to.deep.equal(['after']));
    });

    it('is not harmed by a listener that throws', async () => {
      reader.subscribe('run/1', () => {
        throw new Error('a listener broke');
      });
      const { values } = await listen('run/1');
      speaker.publish('run/1', 1);
      speaker.publish('run/1', 2);
      await eventually(() => expect(values()).to.deep.equal([1, 2]));
    });

    it('is not harmed by what is not JSON', async () => {
      const { values } = await listen('run/1');
      const round: Record<string, unknown> = {};
      round['self'] = round;
      speaker.publish('run/1', round);
      speaker.publish('run/1', 1n);
      speaker.publish('run/1', 'fine');
      await eventually(() => expect(values()).to.deep.equal(['fine']));
    });

    it('keeps messages for who comes late, and resumes after the last one seen', async () => {
      for (let index = 0; index < 10; index++) speaker.publish('run/1', index);
      speaker.publish('run/1', 'wake-up', { keep: false });
      await said();
      const all = await reader.recent('run/1');
      expect(all.map(({ value }) => value)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const rest = await reader.recent('run/1', all[6]!.sequence);
      expect(rest.map(({ value }) => value)).to.deep.equal([7, 8, 9]);
      expect(await reader.recent('run/1', all[9]!.sequence)).to.deep.equal([]);
      expect(await reader.recent('run/2')).to.deep.equal([]);
    });

    it('gives kept and heard messages the same numbers, so a late reader misses and doubles nothing', async () => {
      for (let index = 0; index < 50; index++) speaker.publish('run/1', index);
      const heard: LiveMessage[] = [];
      reader.subscribe('run/1', (message) => heard.push(message));
      for (let index = 50; index < 100; index++) speaker.publish('run/1', index);
      await said();
      const kept = await reader.recent('run/1');
      for (let index = 100; index < 150; index++) speaker.publish('run/1', index);
      await eventually(() => expect(heard.at(-1)?.value).to.equal(149));
      const byNumber = new Map([...kept, ...heard].map(({ sequence, value }) => [sequence, value]));
      expect([...byNumber.values()].sort((a, b) => Number(a) - Number(b))).to.deep.equal([...Array(150).keys()]);
    });

    it('keeps a bounded number, the newest', async () => {
      for (let index = 0; index < 5_000; index++) speaker.publish('run/1', index);
      await said();
      const kept = await reader.recent('run/1');
      expect(kept.length).to.be.within(100, 4_000);
      expect(kept.at(-1)?.value).to.equal(4_999);
    });

    it('says nothing more once closed', async () => {
      const { heard } = await listen('run/1');
      await speaker.close();
      speaker.publish('run/1', 'too late');
      expect(await reader.recent('run/1')).to.deep.equal([]);
      expect(heard).to.deep.equal([]);
    });
  });
}
