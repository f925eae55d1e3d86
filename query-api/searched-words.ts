import { problems } from '#contracts/problems.ts';
import { Problem } from '#platform/http/problem.ts';
import { foldQuery, maxQueryWords } from '#platform/search-index/fold.ts';

/** The words that `?q=` looks for. Throws 422 for what cannot be looked for. */
export function searchedWords(q: string): string[] {
  const words = foldQuery(q);
  const message = faultOfWords(words);
  if (message === undefined) return words;
  throw new Problem(problems['invalid-request'], { errors: [{ in: 'query', pointer: '/q', message }] });
}

/**
 * What is wrong with the words of a query: there is none, or there are more than are looked for. A filter that falls away
 * would find what was not asked for.
 */
export function faultOfWords(words: readonly string[]): string | undefined {
  if (words.length === 0) return 'Must hold a word: signs are not searched';
  if (words.length <= maxQueryWords) return undefined;
  return `Must not hold more than ${maxQueryWords} words, counting characters and pairs where no spaces part words`;
}
