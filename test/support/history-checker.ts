// Asserts the invariants that hold whatever is killed and whenever: every breach is one sentence, all of them are given.

import type { History, Violation } from './history.ts';
import { standingLetters } from './history-letter-checks.ts';
import { logOrder, requestEffects } from './history-log-checks.ts';
import { readModelFaults } from './history-model-checks.ts';
import { staleReads, unrecordedReads } from './history-read-checks.ts';
import { relayFaults } from './history-relay-checks.ts';
import { inferenceEnds } from './history-result-checks.ts';

export const checkHistory = (history: History): Violation[] => [
  ...logOrder(history.log),
  ...requestEffects(history),
  ...relayFaults(history),
  ...readModelFaults(history),
  ...staleReads(history),
  ...unrecordedReads(history),
  ...standingLetters(history),
  ...inferenceEnds(history),
];

/** For a test's failure: what broke, one a line. */
export const describeViolations = (violations: readonly Violation[]) =>
  violations.map(({ invariant, sentence }) => `${invariant}: ${sentence}`).join('\n');
