import { expect } from 'chai';
import { createBell } from '../../platform/patience/bell.ts';
import { Interrupted, persist } from '../../platform/patience/persist.ts';
import { saySeldom } from '../../platform/patience/say-seldom.ts';
import { atMost, unlessAborted, within } from '../../platform/patience/within.ts';

const never = new Promise<never>(() => {});
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as Error,
  );

describe('patience', () => {
  describe('persist', () => {
    const failing = (times: number) => {
      let tries = 0;
      return async () => {
        if (++tries <= times) throw new Error(`failure ${tries}`);
        return tries;
      };
    };
    const soon = { waitMs: () => 1 };

    it('tries until it succeeds, and says each failure', async () => {
      const said: string[] = [];
      const say = (err: unknown, attempt: number) => said.push(`${attempt}: ${(err as Error).message}`);
      expect(await persist(failing(2), undefined, say, soon)).to.equal(3);
      expect(said).to.deep.equal(['1: failure 1', '2: failure 2']);
    });

    it('throws at once what another try would not mend, unsaid', async () => {
      const refusal = Object.assign(new Error('refused'), { retriable: false });
      const error = await failureOf(
        persist(
          () => Promise.reject(refusal),
          undefined,
          () => expect.fail('said'),
          soon,
        ),
      );
      expect(error).to.equal(refusal);
    });

    it('throws the last failure after so many tries, and when a wait would pass the last moment', async () => {
      const few = await failureOf(persist(failing(9), undefined, () => {}, { ...soon, attempts: 3 }));
      expect(few.message).to.equal('failure 3');
      const until = performance.now() + 1_000;
      const late = await failureOf(persist(failing(9), undefined, () => {}, { waitMs: () => 60_000, until }));
      expect(late.message).to.equal('failure 1');
    });

    it('is interrupted while it waits, and names the last failure', async () => {
      const stopping = new AbortController();
      const error = await failureOf(
        persist(failing(9), stopping.signal, () => stopping.abort(new Error('enough')), { waitMs: () => 60_000 }),
      );
      expect(error).to.be.instanceOf(Interrupted);
      expect((error.cause as Error).message).to.equal('failure 1');
    });
  });

  describe('a bound of time', () => {
    it('is the work itself when it ends in time', async () => {
      expect(await within(60_000, Promise.resolve('done'), 'the work')).to.equal('done');
      expect(await atMost(60_000, Promise.resolve('done'))).to.equal('done');
      const failure = new Error('failed');
      expect(await failureOf(within(60_000, Promise.reject(failure), 'the work'))).to.equal(failure);
    });

    it('says which work took too long, or what it is told to', async () => {
      expect((await failureOf(within(1, never, 'the work'))).message).to.equal('the work took longer than 1 ms');
      const own = new Error('late');
      expect(await failureOf(within(1, never, () => own))).to.equal(own);
      expect(await atMost(1, never)).to.equal(undefined);
    });

    it('begins anew with each sign of progress', async () => {
      const slow = async (progress: () => void) => {
        for (let part = 0; part < 5; part++) {
          await atMost(20, never);
          progress();
        }
        return 'done';
      };
      expect(await within(80, slow, 'the work')).to.equal('done');
    });

    it('ends with the signal', async () => {
      const stopping = new AbortController();
      const waiting = [atMost(Infinity, never, stopping.signal), failureOf(unlessAborted(never, stopping.signal))];
      stopping.abort(new Error('enough'));
      const [nothing, error] = await Promise.all(waiting);
      expect(nothing).to.equal(undefined);
      expect(error).to.be.instanceOf(Interrupted);
    });
  });

  it('says a trouble that lasts seldom, and a new one at once', () => {
    const said: string[] = [];
    const say = saySeldom((what: string) => said.push(what), 60_000);
    expect(say.over()).to.equal(false);
    for (const what of ['away', 'still away']) say(what);
    expect(say.over()).to.equal(true);
    say('away again');
    expect(said).to.deep.equal(['away', 'away again']);
  });

  describe('a bell', () => {
    it('keeps a ring for who waits later, and counts many as one', async () => {
      const bell = createBell();
      bell.ring();
      bell.ring();
      await bell.wait();
      expect(
        await atMost(
          5,
          bell.wait().then(() => 'rung'),
        ),
      ).to.equal(undefined);
    });

    it('wakes who waits, or lets him go when the time is over', async () => {
      const bell = createBell();
      const waiting = bell.wait(60_000);
      bell.ring();
      await waiting;
      await bell.wait(1);
    });
  });
});
