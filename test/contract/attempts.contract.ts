import { expect } from 'chai';
import type { AttemptRules, Attempts } from '#platform/attempts/attempts.ts';

/** Windows that a test over a network can outlast, and long enough that it is not outlasted by chance. */
export const TEST_RULES: AttemptRules = {
  mostFromAddress: 3,
  addressWindowMs: 1_000,
  lockMs: 2_000,
  mostOfAccount: 7,
  accountWindowMs: 4_000,
};

export interface StartedAttempts {
  readonly attempts: Attempts;
  /** Lets this time pass. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Every engine that counts attempts passes it. */
export function attemptsContract(engine: string, start: () => Promise<StartedAttempts>): void {
  describe(`attempts: ${engine}`, function () {
    this.timeout(20_000);
    let attempts: Attempts;
    let started: StartedAttempts;
    beforeEach(async () => {
      started = await start();
      ({ attempts } = started);
    });
    afterEach(() => started.close());
    const advance = (ms: number) => started.advance(ms);

    /** Tries that fail; answers which of them locked the address out, from 1. */
    async function fail(times: number, address = '::1', account = 'anna'): Promise<number[]> {
      const locking: number[] = [];
      for (let n = 1; n <= times; n++) {
        const attempt = await attempts.begin(account, address);
        if (!attempt.admitted) throw new Error(`try ${n} was refused`);
        if (await attempts.failed(account, address, attempt.nth)) locking.push(n);
      }
      return locking;
    }
    const admitted = async (address = '::1', account = 'anna') => (await attempts.begin(account, address)).admitted;
    const wait = async (address = '::1', account = 'anna') => {
      const attempt = await attempts.begin(account, address);
      return attempt.admitted ? 0 : attempt.retryAfterMs;
    };

    it('are counted in a row, and the last that is allowed locks the address out', async () => {
      expect(await fail(3)).to.deep.equal([3]);
      expect(await wait()).to.be.within(1, TEST_RULES.lockMs);
      expect(await admitted('::2')).to.equal(true);
      expect(await admitted('::1', 'berta')).to.equal(true);
    });

    it('from an address that is locked out count no longer, and it is let go in time', async () => {
      await fail(3);
      await advance(TEST_RULES.lockMs / 2);
      expect(await admitted()).to.equal(false);
      await advance(TEST_RULES.lockMs / 2 + 50);
      expect(await attempts.begin('anna', '::1')).to.deep.equal({ admitted: true, nth: 1 });
    });

    it('are forgotten when their time is over', async () => {
      await fail(2);
      await advance(TEST_RULES.addressWindowMs + 50);
      expect(await fail(2)).to.deep.equal([]);
    });

    it('that succeed take back what was counted from there', async () => {
      await fail(2);
      await fail(2, '::2');
      expect(await admitted()).to.equal(true);
      await attempts.succeeded('anna', '::1');
      expect(await attempts.begin('anna', '::1')).to.deep.equal({ admitted: true, nth: 1 });
      expect(await attempts.begin('anna', '::2')).to.deep.equal({ admitted: true, nth: 3 });
    });

    it('of one account from many addresses make all of them wait', async () => {
      for (const address of ['::1', '::2', '::3']) await fail(2, address);
      await fail(1, '::4');
      expect(await wait('::5')).to.be.within(1, TEST_RULES.accountWindowMs);
      expect(await admitted('::5', 'berta')).to.equal(true);
      await advance(TEST_RULES.accountWindowMs + 50);
      expect(await admitted('::5')).to.equal(true);
    });

    it('at once are no more than in a row, and one of them locks out', async () => {
      const all = await Promise.all(Array.from({ length: 10 }, () => attempts.begin('anna', '::1')));
      const begun = all.flatMap((attempt) => (attempt.admitted ? [attempt.nth] : []));
      expect(begun.toSorted((a, b) => a - b)).to.deep.equal([1, 2, 3]);
      const locked = await Promise.all(begun.map((nth) => attempts.failed('anna', '::1', nth)));
      expect(locked.filter(Boolean)).to.have.length(1);
    });
  });
}
