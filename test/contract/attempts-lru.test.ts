import { SIGN_IN_RULES } from '#platform/attempts/attempts.ts';
import { createLruAttempts } from '#platform/attempts/lru-attempts.ts';
import { expect } from 'chai';
import { attemptsContract, TEST_RULES } from './attempts.contract.ts';

attemptsContract('memory', async () => {
  let now = 0;
  const attempts = createLruAttempts(TEST_RULES, () => now);
  return { attempts, advance: async (ms) => void (now += ms), close: () => attempts.close() };
});

describe('attempts: memory', () => {
  it('is bounded: what was tried least lately is forgotten', async () => {
    const attempts = createLruAttempts(SIGN_IN_RULES);
    await attempts.begin('anna', '::1');
    for (let n = 0; n < 50_000; n++) await attempts.begin(`stranger ${n}`, '::1');
    expect(await attempts.begin('anna', '::1')).to.deep.equal({ admitted: true, nth: 1 });
  });
});
