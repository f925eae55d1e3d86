import { expect } from 'chai';
import { didYouMean, nearestName } from '#platform/nearest-name.ts';

const NAMES = ['language-id', 'tiny-writer', 'max_tokens', 'temperature', 'top', 'PARTITIONS'];

describe('the name that was meant', () => {
  for (const [given, meant] of [
    ['language_id', 'language-id'],
    ['Language-ID', 'language-id'],
    ['maxTokens', 'max_tokens'],
    ['temprature', 'temperature'],
    ['PARTITION', 'PARTITIONS'],
    ['temprautre', 'temperature'],
    ['ot', undefined],
    ['tpo', undefined],
    ['tap', 'top'],
    ['to', undefined],
    ['', undefined],
    ['seed', undefined],
    ['gpt-4.1', undefined],
    [`max_tokens${'x'.repeat(4)}`, undefined],
    ['x'.repeat(2_000_000), undefined],
  ] as const)
    it(`by ${given.slice(0, 20) || 'nothing'} is ${meant ?? 'none that is there'}`, () => {
      expect(nearestName(given, NAMES)).to.equal(meant);
    });

  it('stands behind what is wrong, if there is one', () => {
    expect(`no model language_id${didYouMean('language_id', NAMES)}`).to.equal(
      'no model language_id; did you mean language-id?',
    );
    expect(didYouMean('gpt-4.1', NAMES)).to.equal('');
    expect(didYouMean('language_id', [])).to.equal('');
  });
});
