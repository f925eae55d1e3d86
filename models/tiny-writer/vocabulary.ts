// The characters the model reads and writes, and how other characters are mapped onto them.

/** In the order of the model's inputs and outputs; the first is the line break, which also stands before every text. */
export const alphabet = '\n !"\'(),-.0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const indexes: ReadonlyMap<string, number> = new Map(Array.from(alphabet, (character, at) => [character, at]));

const replacements: Readonly<Record<string, string>> = {
  '“': '"',
  '”': '"',
  '„': '"',
  '«': '"',
  '»': '"',
  '‘': "'",
  '’': "'",
  '`': "'",
  '´': "'",
  '–': '-',
  '—': '-',
  '‐': '-',
  '−': '-',
  _: '-',
  '…': '...',
  '\t': ' ',
  '[': '(',
  ']': ')',
  '{': '(',
  '}': ')',
  ı: 'i',
  ß: 'ss',
  æ: 'ae',
  Æ: 'AE',
  ø: 'o',
  Ø: 'O',
  œ: 'oe',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  '&': 'and',
};

/**
 * The indexes of a text's characters. Quotes, dashes and accented letters become their plain forms; a character with
 * no plain form becomes a space, and `\r\n` one line break. Never fails.
 */
export function encodeText(text: string): number[] {
  const encoded: number[] = [];
  for (const character of text.replaceAll(/\r\n?/g, '\n').normalize('NFKC')) {
    const known = indexes.get(character);
    if (known !== undefined) {
      encoded.push(known);
      continue;
    }
    const plain = replacements[character] ?? character.normalize('NFKD').replaceAll(/\p{M}/gu, '');
    let found = false;
    for (const piece of plain) {
      const index = indexes.get(piece);
      if (index === undefined) continue;
      encoded.push(index);
      found = true;
    }
    if (!found && !/^\p{M}$/u.test(character)) encoded.push(1);
  }
  return encoded;
}
