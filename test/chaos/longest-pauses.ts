import type { Pause } from './run-chaos.ts';

/** For a line of output: milliseconds after the faults of a round until work was accepted, ended and listed. */
export const longestPauses = (pauses: readonly Pause[]): string =>
  pauses
    .toSorted((a, b) => b.listed - a.listed)
    .slice(0, 5)
    .map(({ round, accepted, ended, listed }) => `round ${round}: ${accepted}/${ended}/${listed} ms`)
    .join(', ');
