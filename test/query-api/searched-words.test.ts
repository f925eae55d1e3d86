import { expect } from 'chai';
import { inferenceRoutes } from '#contracts/inferences.ts';
import { Problem } from '#platform/http/problem.ts';
import { SEARCHED } from '../../projectors/inferences/read-model.ts';
import { searchedWords } from '../../query-api/searched-words.ts';
import { refusal } from '../support/refusal.ts';

const searching = async (q: string) => searchedWords(q);

describe('the words that a search looks for', () => {
  it('are only words: signs and operators of any language of queries mean nothing', () => {
    expect(searchedWords('"red rose" OR -sea NOT (a AND b)')).to.deep.equal([
      'red',
      'rose',
      'or',
      'sea',
      'not',
      'a',
      'and',
      'b',
    ]);
    expect(searchedWords(`'; DROP TABLE "docs"; --`)).to.deep.equal(['drop', 'table', 'docs']);
    expect(searchedWords('words:rose^2 NEAR/3 col:{x} [a TO b] rose~ ro?e /r.*e/')).to.deep.equal([
      'words',
      'rose',
      '2',
      'near',
      '3',
      'col',
      'x',
      'a',
      'to',
      'b',
      'ro',
      'e',
      'r',
    ]);
  });

  it('are at least one, and never fewer than were asked for', async () => {
    for (const q of [' ', '*', '"" -- ()', '?!', '\u0000', '…']) {
      const problem = await refusal(Problem, searching(q));
      expect(problem).to.deep.include({ code: 'invalid-request', status: 422 });
      expect(problem.errors?.[0]).to.deep.include({ in: 'query', pointer: '/q' });
    }
    const many = Array.from({ length: 129 }, (_, n) => `w${n}`).join(' ');
    expect((await refusal(Problem, searching(many))).detail).to.include('more than 128 words');
  });
});

describe('the contract of a search', () => {
  it('says how much of an inference is indexed', () => {
    const { description } = inferenceRoutes.listInferences;
    const say = (count: number) => count.toLocaleString('en');
    expect(description).to.include(
      `${say(SEARCHED.characters)} characters and ${say(SEARCHED.differentWords)} different words`,
    );
  });
});
