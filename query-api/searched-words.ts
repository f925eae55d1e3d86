import { problems } from '#contracts/problems.ts';
import { Problem } from '#platform/http/problem.ts';
import { foldQuery, maxQueryWords } from '#platform/search-index/fold.ts';

/**
 * The words that `?q=` looks for. Throws 422 where there is none, or more than are looked for: a filter that falls away
 * would find what was not asked for.
 */
export function searchedWords(q: string): string[] {
  const words = foldQuery(q);
  if (words.length === 0) throw refused('has no word in it: signs are not searched');
  if (words.length > maxQueryWords) {
    throw refused(`has more than ${maxQueryWords} words, counting characters and pairs where no spaces part words`);
  }
  return words;
}

const refused = (message: string) =>
  new Problem(problems['invalid-request'], { errors: [{ in: 'query', pointer: '/q', message }] });
