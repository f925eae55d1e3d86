// The words of a text field as an engine gets them, and the words that a query looks for: the same rules for both, so that
// engines whose tokenizers differ find the same.

import { maxWordLength } from './fold.ts';

const spaces = /[\s\p{Cc}]+/gu;
// Text that was folded has single spaces and short words: to find that out costs a fraction of putting it right.
const otherSpace = /[^\S ]|\p{Cc}| {2}/u;
const longWord = new RegExp(`(?:^|\\s)\\S{${maxWordLength + 1}}`);
const upperCase = /[A-Z]/;

/** Words apart by one space, in the lower case of ASCII; longer words are found by their beginning. */
export function toWords(text: string): string {
  const spaced = otherSpace.test(text) ? text.replace(spaces, ' ') : text;
  const lower = upperCase.test(spaced) ? spaced.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : spaced;
  if (!longWord.test(lower)) return lower;
  return lower
    .split(' ')
    .map((word) => word.slice(0, maxWordLength))
    .join(' ');
}

export interface WantedWord {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** A word of a query; with a trailing `*` it stands for all words that begin so. */
export function toWantedWord(word: string): WantedWord {
  const isPrefix = word.endsWith('*');
  return { text: toWords(isPrefix ? word.slice(0, -1) : word), isPrefix };
}
