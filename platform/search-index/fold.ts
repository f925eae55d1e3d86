// Text to the words it is found by. Documents and queries go through the same function, before any engine sees them, so
// that every engine finds the same. A word is a run of letters and digits, without case and diacritics; Turkish ı and İ
// are i. Scripts written without spaces between words (and Hangul, whose particles are written together with their word)
// give each character and each pair of neighbours as words: one character is found, and a longer query asks for its
// pairs, so that 京都 does not find 都京.

/** Of a word, in UTF-16 code units: longer ones are found by their beginning. */
export const maxWordLength = 64;
/** Different words of one text that are indexed. */
export const maxWords = 10_000;
/** Of one text, in UTF-16 code units: what comes after is not indexed. */
export const maxTextLength = 256 * 1024;
/** Different words of one query. */
export const maxQueryWords = 128;

const ascii = /^\p{ASCII}*$/u;
const asciiWord = /[a-z0-9]+/g;
// Not shown, and written or left out at will: soft hyphen, joiners, word joiner, byte order mark; and tatweel.
const invisible = /\u00ad|\u200c|\u200d|\u2060|\ufeff|\u0640/g;
// Accents, Hebrew points, Arabic vowels, variation selectors. Marks of other scripts are part of their letters and stay,
// like those that make か into が.
const diacritics =
  /(?=\p{M})(?!\u3099|\u309a)[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Cyrillic}]/gu;
// Letters that Unicode does not take apart, and a letter that is an apostrophe.
const letters = /[øđðłħæœþŧςʼ]/g;
const plain: Readonly<Record<string, string>> = {
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  ħ: 'h',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
  ŧ: 't',
  ς: 'σ',
  ʼ: "'",
};
const run = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;
const unspaced =
  /(?=[\p{L}\p{N}])[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Mymr}]\p{M}*/gu;
const hasUnspaced =
  /[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\uffff\u{16f00}-\u{1bfff}\u{20000}-\u{3ffff}]/u;

/** The different words of a text, in the order of their first occurrence. Folding them again changes nothing. */
export function foldText(text: string): string[] {
  const words = new Set<string>();
  const bounded = cut(text, maxTextLength);
  if (ascii.test(bounded)) {
    for (const [word] of bounded.toLowerCase().matchAll(asciiWord)) {
      words.add(word.length > maxWordLength ? word.slice(0, maxWordLength) : word);
      if (words.size === maxWords) break;
    }
    return [...words];
  }
  for (const [word] of foldLetters(bounded).matchAll(run)) {
    for (const part of hasUnspaced.test(word) ? splitUnspaced(word) : [word]) words.add(cut(part, maxWordLength));
    if (words.size >= maxWords) break;
  }
  return [...words].slice(0, maxWords);
}

/**
 * A query's words for `SearchQuery.text`; a piece that ends with `*` finds what begins with its last word. One word more
 * than a query may have says that it has more: who leaves any out finds too much.
 */
export function foldQuery(query: string): string[] {
  const words = new Set<string>();
  for (const piece of query.split(/\s+/u)) {
    const folded = foldText(piece);
    const last = folded.at(-1);
    if (piece.endsWith('*') && last !== undefined) folded.splice(-1, 1, `${last}*`);
    for (const word of folded) words.add(word);
    if (words.size > maxQueryWords) break;
  }
  return [...words].slice(0, maxQueryWords + 1);
}

/** As a text field of a search index wants it. */
export const foldToField = (text: string): string => foldText(text).join(' ');

function foldLetters(text: string): string {
  // By way of upper case, which takes ß apart and makes ı and ſ plain letters; ẞ becomes ß only in lower case.
  const cased = stripMarks(text).toLowerCase().toUpperCase().toLowerCase();
  return stripMarks(cased).replace(letters, (letter) => plain[letter] ?? letter);
}

const stripMarks = (text: string) =>
  text.normalize('NFKD').replace(invisible, '').replace(diacritics, '').normalize('NFC');

/** The characters of scripts without spaces one by one and in pairs, what is between them as words. */
function* splitUnspaced(word: string): Generator<string> {
  let end = 0;
  let before = '';
  for (const match of word.matchAll(unspaced)) {
    const [character] = match;
    if (match.index > end) {
      yield word.slice(end, match.index);
      before = '';
    }
    yield character;
    if (before) yield before + character;
    before = character;
    end = match.index + character.length;
  }
  if (end < word.length) yield word.slice(end);
}

/** At most `length` code units, without half a character at the end. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}
