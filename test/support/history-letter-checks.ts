// I7: a dead letter that is retried ends as if it had never failed: it is gone, and I4 holds of its stream.

import type { History, Violation } from './history.ts';

export const standingLetters = ({ letters = [] }: History): Violation[] =>
  letters
    .filter(({ stands }) => stands)
    .map(({ group, stream, error }) => ({
      invariant: 'I7',
      sentence: `${stream} was set aside by ${group} (${error}) and is so still after it was retried.`,
    }));
