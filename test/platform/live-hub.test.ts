import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { openBatchedPort } from '#platform/live-channel/batched-port.ts';
import { createKeptMessages, KEPT_BOUNDS } from '#platform/live-channel/kept-messages.ts';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import { connectLiveChannel } from '#platform/live-channel/thread-live-channel.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';

describe('kept messages', () => {
  let now = 0;
  const bounds = { messages: 100, characters: 20_000, totalCharacters: 100_000, channels: 50, ageMs: 1_000 };
  const kept = () => createKeptMessages(() => now, bounds);
  const numbers = (messages: { readonly sequence: number }[]) => messages.map(({ sequence }) => sequence);

  it('bounds each channel by number, size and age, dropping the oldest', () => {
    const messages = kept();
    for (let sequence = 1; sequence <= 1_000; sequence++) messages.add('many', { sequence, text: '1' });
    expect(numbers(messages.recent('many', 0))).to.deep.equal(Array.from({ length: 100 }, (_, index) => 901 + index));
    for (let sequence = 1; sequence <= 10; sequence++) messages.add('large', { sequence, text: 'x'.repeat(4_900) });
    expect(numbers(messages.recent('large', 0))).to.deep.equal([7, 8, 9, 10]);
    messages.add('huge', { sequence: 1, text: 'x'.repeat(30_000) });
    expect(messages.recent('huge', 0)).to.deep.equal([]);
    messages.add('old', { sequence: 1, text: '1' });
    now += 900;
    messages.add('old', { sequence: 2, text: '1' });
    now += 200;
    expect(numbers(messages.recent('old', 0))).to.deep.equal([2]);
    now += 2_000;
    messages.sweep();
    expect(messages.characters).to.equal(0);
    expect(messages.has('old')).to.equal(false);
  });

  it('bounds all together, dropping the channels that were quiet longest', () => {
    const messages = kept();
    for (let channel = 0; channel < 200; channel++) {
      messages.add(`c${channel}`, { sequence: 1, text: '1' });
      messages.add('busy', { sequence: channel, text: '1' });
    }
    expect([messages.has('c0'), messages.has('c199'), messages.has('busy')]).to.deep.equal([false, true, true]);
    for (let channel = 0; channel < 200; channel++) {
      messages.add(`d${channel}`, { sequence: 1, text: 'x'.repeat(9_900) });
      expect(messages.characters).to.be.at.most(100_000);
    }
    expect(messages.has('d199')).to.equal(true);
  });
});

describe('batched port', () => {
  const text = 'x'.repeat(1_000_000);
  const post = (port: { post(item: string, weight?: number): boolean }, times: number) =>
    Array.from({ length: times }, () => port.post(text, text.length)).filter(Boolean).length;

  it('drops what may be lost while the other side takes nothing in, and goes on once it does', async () => {
    const { port1, port2 } = new MessageChannel();
    const out = openBatchedPort<string>({ port: port1, receive: () => undefined, closed: () => undefined });
    const sent = post(out, 100);
    expect(sent).to.be.within(20, 40);
    expect(out.post('must go')).to.equal(true);
    const received: unknown[] = [];
    const other = openBatchedPort<string>({
      port: port2,
      receive: (items) => received.push(...items),
      closed: () => undefined,
    });
    port2.ref();
    await eventually(() => expect(received).to.have.length(sent + 1));
    await eventually(() => expect(post(out, 1)).to.equal(1));
    await eventually(() => expect(received.length).to.be.above(sent + 1));
    out.close();
    other.close();
  });
});

describe('live hub', () => {
  it('carries on above earlier numbers when a channel was forgotten', async () => {
    const hub = openLiveHub({ log: createQuietLog(), bounds: { ...KEPT_BOUNDS, channels: 10 } });
    for (let index = 0; index < 100; index++) hub.publish('first', index);
    const before = (await hub.recent('first')).at(-1)!.sequence;
    for (let index = 0; index < 100; index++) hub.publish(`other ${index}`, index);
    expect(await hub.recent('first')).to.deep.equal([]);
    hub.publish('first', 'again');
    expect((await hub.recent('first', before)).map(({ value }) => value)).to.deep.equal(['again']);
    await hub.close();
  });

  it('logs a listener that throws', async () => {
    const log = createQuietLog();
    const hub = openLiveHub({ log });
    hub.subscribe('run/1', () => {
      throw new Error('a listener broke');
    });
    hub.publish('run/1', 1);
    await eventually(() => expect(log.lines.join('\n')).to.include('a listener broke'));
    await hub.close();
  });

  it('sends a thread only what it subscribed to', async () => {
    const hub = openLiveHub({ log: createQuietLog() });
    const port: MessagePort = hub.connect();
    port.postMessage({ items: [['subscribe', 'wanted']], weight: 0, acknowledged: 0 });
    const batch = once(port, 'message');
    const published = setInterval(() => {
      hub.publish('unwanted', 1);
      hub.publish('wanted', 2);
    }, 1);
    const [{ items }] = (await batch) as [{ items: unknown[][] }];
    clearInterval(published);
    expect(new Set(items.map((item) => item[1]))).to.deep.equal(new Set(['wanted']));
    await hub.close();
  });

  it('answers what was asked when the hub closes, and takes no harm from a thread that ends', async () => {
    const hub = openLiveHub({ log: createQuietLog() });
    const [ends, stays] = [hub.connect(), hub.connect()];
    const [first, second] = [connectLiveChannel(ends, createQuietLog()), connectLiveChannel(stays, createQuietLog())];
    const heard: unknown[] = [];
    first.subscribe('run/1', ({ value }) => heard.push(value));
    second.subscribe('run/1', ({ value }) => heard.push(value));
    await Promise.all([first.recent('run/1'), second.recent('run/1')]);
    await first.close();
    hub.publish('run/1', 1);
    await eventually(() => expect(heard).to.deep.equal([1]));
    const asked = second.recent('run/1');
    await hub.close();
    expect(await asked).to.be.an('array');
    expect(await second.recent('run/1')).to.deep.equal([]);
    second.publish('run/1', 2);
    await second.close();
  });
});
