// What a misspelt name was probably meant to be: for messages that say what is not there.

import { closestMatch } from 'leven';

const SHORTEST = 3;
/** Longer names are not compared, and no more than so many: what a stranger sends costs at most a millisecond or two. */
const LONGEST = 64;
export const MOST_NAMES = 200;
const MOST_SLIPS = 3;

/** Nobody means to tell two names apart by case, or by - and _ alone. */
const plain = (name: string) => name.toLowerCase().replaceAll('-', '_');

/** The nearest of `names`, if `given` differs from it by few letters, of which two that are swapped count as two. */
export function nearestName(given: string, names: Iterable<string>): string | undefined {
  if (given.length < SHORTEST || given.length > LONGEST) return undefined;
  const maxDistance = Math.min(MOST_SLIPS, Math.ceil(given.length / 3));
  const candidates = new Map([...names].slice(0, MOST_NAMES).map((name) => [plain(name), name]));
  const nearest = closestMatch(plain(given), [...candidates.keys()], { maxDistance });
  return nearest === undefined ? undefined : candidates.get(nearest);
}

/** `; did you mean max_tokens?`, to stand behind what is wrong; empty when no name is near. */
export function didYouMean(given: string, names: Iterable<string>): string {
  const nearest = nearestName(given, names);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}
