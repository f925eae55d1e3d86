// What every engine of read models must do with the generation of the log that they were made from.

import { expect } from 'chai';
import { v4 } from 'uuid';
import { codeOf, StartError } from '#platform/errors.ts';
import { type GenerationMark, ofThisLog } from '#platform/log-generation.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';

export interface MarkedEngine extends GenerationMark {
  /** Writes what can be written, as a projection does; `number` tells several writes apart. */
  fill(number: number): Promise<void>;
  /** The numbers of what is there. */
  filled(): Promise<readonly number[]>;
  close(): Promise<void>;
}

export interface MarkedEngineUnderTest {
  /** A handle on the same data, as another process opens it. */
  open(): Promise<MarkedEngine>;
  /** Removes what was made. */
  remove(): Promise<void>;
}

export function generationMarkContract(name: string, create: () => Promise<MarkedEngineUnderTest>): void {
  describe(`generation of the log: ${name}`, () => {
    let under: MarkedEngineUnderTest;
    let own: string;
    let other: string;
    let opened: MarkedEngine[];
    beforeEach(async () => {
      under = await create();
      [own, other, opened] = [v4(), v4(), []];
    });
    afterEach(async () => {
      for (const engine of opened) await engine.close();
      await under.remove();
    });

    const open = async () => {
      const engine = await under.open();
      opened.push(engine);
      return engine;
    };
    const inUse = async (generation: string, onOther: 'refuse' | 'empty', log = createQuietLog()) =>
      ofThisLog(await open(), 'engine', { generation, onOther }, log);
    const filledOf = async (generation: string, numbers: readonly number[]) => {
      const engine = await inUse(generation, 'refuse');
      for (const number of numbers) await engine.fill(number);
      return engine;
    };

    it('is that of the first log, and a log of the same one finds everything', async () => {
      await filledOf(own, [1, 2]);
      const again = await open();
      expect(await again.claim(own)).to.equal(own);
      expect(await again.filled()).to.deep.equal([1, 2]);
    });

    it('refuses another log in a sentence that says what to do, and changes nothing', async () => {
      await filledOf(own, [1]);
      for (const _ of [1, 2]) {
        const error = await refusal(StartError, inUse(other, 'refuse'));
        expect(error.code).to.equal('other-generation');
        expect(error.message).to.include(own).and.to.include(other).and.to.include('node main.ts migrate');
      }
      expect(await (await inUse(own, 'refuse')).filled()).to.deep.equal([1]);
    });

    it('empties itself for another log where asked to, saying so, and belongs to that one then', async () => {
      await filledOf(own, [1, 2, 3]);
      const log = createQuietLog();
      const emptied = await inUse(other, 'empty', log);
      expect(log.lines.join('\n')).to.include('built anew').and.to.include(own);
      expect(await emptied.filled()).to.deep.equal([]);
      await emptied.fill(4);
      expect(await (await inUse(other, 'refuse')).filled()).to.deep.equal([4]);
      await refusal(StartError, inUse(own, 'refuse'));
    });

    it('is emptied for a log once only', async () => {
      await filledOf(own, [1]);
      const first = await inUse(other, 'empty');
      await first.fill(2);
      const log = createQuietLog();
      const second = await inUse(other, 'empty', log);
      await second.startOver(other);
      expect(log.lines).to.deep.equal([]);
      expect(await second.filled()).to.deep.equal([2]);
    });

    it('is emptied by one that comes after one that was broken off', async () => {
      await filledOf(own, [1, 2, 3, 4, 5]);
      const broken = await under.open();
      const emptying = broken.startOver(other).catch(() => undefined);
      await broken.close();
      await emptying;
      const engine = await inUse(other, 'empty');
      expect(await engine.filled()).to.deep.equal([]);
      await engine.fill(6);
      expect(await (await inUse(other, 'empty')).filled()).to.deep.equal([6]);
    });

    it('is emptied by several at once', async () => {
      await filledOf(own, [1, 2, 3]);
      const engines = await Promise.all([1, 2, 3].map(() => inUse(other, 'empty')));
      for (const engine of engines) expect(await engine.filled()).to.deep.equal([]);
    });

    it('is one for all that come at once with different logs', async () => {
      const joined = await Promise.allSettled(
        [own, other, own, other].map(async (generation) => {
          await (await inUse(generation, 'refuse')).fill(1);
          return generation;
        }),
      );
      const kept = new Set(joined.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
      expect(kept.size).to.equal(1);
      for (const one of joined) if (one.status === 'rejected') expect(codeOf(one.reason)).to.equal('other-generation');
    });
  });
}
