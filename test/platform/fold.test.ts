import { expect } from 'chai';
import fc from 'fast-check';
import {
  foldQuery,
  foldText,
  foldToField,
  maxQueryWords,
  maxWordLength,
  maxWords,
} from '#platform/search-index/fold.ts';

const cases: readonly [string, readonly string[]][] = [
  ['', []],
  [' .,;!? — 😀 ❤️ ', []],
  ['The quick brown fox, THE fox', ['the', 'quick', 'brown', 'fox']],
  ['example.com foo_bar a-b it’s', ['example', 'com', 'foo', 'bar', 'a', 'b', 'it', 's']],
  ['İSTANBUL ISPARTA Iğdır ılık', ['istanbul', 'isparta', 'igdir', 'ilik']],
  ['Straße STRASSE ẞ', ['strasse', 'ss']],
  ['naïve cafe\u0301 Łódź Ærø Þór Đà Nẵng', ['naive', 'cafe', 'lodz', 'aero', 'thor', 'da', 'nang']],
  ['ΟΔΥΣΣΕΎΣ Οδυσσεύς', ['οδυσσευσ']],
  ['Ёлка й', ['елка', 'и']],
  ['ﬁne ½ x² Ⅳ ＡＢＣ', ['fine', '1', '2', 'x2', 'iv', 'abc']],
  ['co\u00adoperate می\u200cخواهم كِتَاب', ['cooperate', 'میخواهم', 'كتاب']],
  ['हिन्दी कि का', ['हिन्दी', 'कि', 'का']],
  ['東京都', ['東', '京', '東京', '都', '京都']],
  ['iPhone15ケース', ['iphone15', 'ケ', 'ー', 'ケー', 'ス', 'ース']],
  ['ｶﾞ ガ', ['ガ']],
  ['학교에서', ['학', '교', '학교', '에', '교에', '서', '에서']],
];

// Text as people and machines write it: many scripts, marks, joiners, halves of characters.
const character = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.constantFrom(...Array.from('aBıİIißẞςΣé\u0301\u0307\u200d\u00ad東京가각กำ่अि\ud800 ,._-*')),
);
const text = fc.array(character, { maxLength: 40 }).map((characters) => characters.join(''));

describe('folding text to words', () => {
  for (const [given, words] of cases) {
    it(`gives ${JSON.stringify(words)} for ${JSON.stringify(given)}`, () =>
      expect(foldText(given)).to.deep.equal(words));
  }

  it('changes nothing when done again', () => {
    fc.assert(
      fc.property(text, (given) => void expect(foldText(foldToField(given))).to.deep.equal(foldText(given))),
      { numRuns: 1_000 },
    );
  });

  it('changes nothing when done again, for each character of Unicode between others', () => {
    // Beyond these planes there are only ideographs and characters of private use.
    for (let first = 0; first < 0x20000; first += 256) {
      const given = Array.from({ length: 256 }, (_, i) => `a${String.fromCodePoint(first + i)}か`).join(' ');
      const once = foldToField(given);
      expect(foldToField(once)).to.equal(once);
    }
  });

  it('finds a text by each of its words, and by each piece between spaces, in either case', () => {
    fc.assert(
      fc.property(text, (given) => {
        const words = new Set(foldText(given));
        const pieces = given.split(/\s+/u);
        for (const query of [...words, ...pieces]) {
          for (const written of [query, query.normalize('NFD'), query.normalize('NFC')]) {
            expect([...words]).to.include.members(foldText(written));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is blind to case', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        (given) =>
          void expect(foldText(given.toUpperCase())).to.deep.equal(foldText(given.toUpperCase().toLowerCase())),
      ),
      { numRuns: 500 },
    );
  });

  it('gives words of letters, digits and their marks, none twice, within the bounds', () => {
    fc.assert(
      fc.property(text, (given) => {
        const words = foldText(given);
        expect(new Set(words).size).to.equal(words.length);
        for (const word of words) {
          expect(word).to.match(/^[\p{L}\p{N}\p{M}]+$/u);
          expect(word.length).to.be.at.most(maxWordLength);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('cuts long words, never within a character, and finds them all the same', () => {
    const long = 'x'.repeat(maxWordLength - 1) + '\u{1D7D9}\u{10400}'.repeat(40);
    for (const given of [long, `é${long}`, 'y'.repeat(500)]) {
      const [word = ''] = foldText(given);
      expect(word.length).to.be.within(maxWordLength - 1, maxWordLength);
      expect(word.isWellFormed()).to.equal(true);
      expect(foldText(word)).to.deep.equal([word]);
    }
  });

  it('takes a bounded number of words from a bounded length', () => {
    const many = Array.from({ length: maxWords * 2 }, (_, i) => i.toString(36)).join(' ');
    expect(foldText(many).length).to.equal(maxWords);
    expect(foldText(`é ${many}`).length).to.equal(maxWords);
    const started = performance.now();
    foldText('東é '.repeat(1_000_000));
    expect(performance.now() - started).to.be.below(2_000);
  });
});

describe('folding a query', () => {
  it('keeps a star at the end of a piece, as the beginning of its last word', () => {
    expect(foldQuery('Foo BA* 東京* x.Y* plain')).to.deep.equal([
      'foo',
      'ba*',
      '東',
      '京',
      '東京*',
      'x',
      'y*',
      'plain',
    ]);
  });

  it('knows no other stars', () => {
    expect(foldQuery('* ** *a b*c !* ')).to.deep.equal(['a', 'b', 'c']);
  });

  it('takes a bounded number of words, and tells that there are more', () => {
    const words = Array.from({ length: 1_000 }, (_, i) => `w${i}`);
    expect(foldQuery(words.slice(0, maxQueryWords).join(' ')).length).to.equal(maxQueryWords);
    expect(foldQuery(words.join(' ')).length).to.equal(maxQueryWords + 1);
  });
});
