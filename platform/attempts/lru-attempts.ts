// Attempts in the memory of the one process that everybody tries at. Bounded: of more accounts than it has room for, those
// that were tried least lately are forgotten.

import { LRUCache } from 'lru-cache';
import type { AttemptRules, Attempts } from './attempts.ts';

const MOST_ACCOUNTS = 50_000;

interface Count {
  count: number;
  /** Until when it counts, on the clock given. */
  until: number;
}

interface Account {
  all: Count;
  readonly addresses: Map<string, Count>;
}

/** `now` in milliseconds, on any clock that only goes forward. */
export function createLruAttempts(rules: AttemptRules, now: () => number = () => performance.now()): Attempts {
  const accounts = new LRUCache<string, Account>({ max: MOST_ACCOUNTS });

  /** What still counts of an account. */
  function accountOf(name: string): Account {
    const known = accounts.get(name);
    if (known !== undefined && known.all.until > now()) return known;
    const left = [...(known?.addresses ?? [])].filter(([, { until }]) => until > now());
    const account = { all: { count: 0, until: now() + rules.accountWindowMs }, addresses: new Map(left) };
    accounts.set(name, account);
    return account;
  }

  function countOf({ addresses }: Account, address: string): Count {
    const known = addresses.get(address);
    if (known !== undefined && known.until > now()) return known;
    const fresh = { count: 0, until: now() + rules.addressWindowMs };
    addresses.set(address, fresh);
    return fresh;
  }

  return {
    async begin(name, address) {
      const account = accountOf(name);
      const here = countOf(account, address);
      if (here.count >= rules.mostFromAddress) return { admitted: false, retryAfterMs: here.until - now() };
      if (account.all.count >= rules.mostOfAccount) return { admitted: false, retryAfterMs: account.all.until - now() };
      account.all.count += 1;
      here.count += 1;
      return { admitted: true, nth: here.count };
    },
    async failed(name, address, nth) {
      const here = accounts.get(name)?.addresses.get(address);
      if (nth < rules.mostFromAddress || here === undefined || here.count < rules.mostFromAddress) return false;
      here.until = now() + rules.lockMs;
      return true;
    },
    async succeeded(name, address) {
      const account = accounts.get(name);
      const here = account?.addresses.get(address);
      if (account === undefined || here === undefined) return;
      account.addresses.delete(address);
      account.all.count = Math.max(0, account.all.count - here.count);
    },
    async close() {
      accounts.clear();
    },
  };
}
