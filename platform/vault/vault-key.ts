// The names of a vault as object keys: one flat level of characters that every store keeps as they are (a store over a file
// system could hold `a` and `a/b` at once no more than a folder can). A name that begins with another's text has a key that
// begins with that one's.

const PLAIN = /[A-Za-z0-9._-]/;

/** Each byte of the name's UTF-8 but letters, digits, `.`, `_`, `-` becomes `!` and two hexadecimal digits; so does a first dot. */
export function vaultKey(name: string): string {
  let key = '';
  for (const byte of Buffer.from(name)) {
    const character = String.fromCharCode(byte);
    const isPlain = byte < 128 && PLAIN.test(character) && !(key === '' && character === '.');
    key += isPlain ? character : `!${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return key;
}

/** Undefined for what is no name's key. */
export function vaultName(key: string): string | undefined {
  const text = key.replace(/!([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const name = Buffer.from(text, 'latin1').toString();
  return vaultKey(name) === key ? name : undefined;
}
