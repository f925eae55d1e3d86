// Text as a bag of hashed character 1- to 3-grams. Letters are lower-cased, everything else is one separator, so the
// features do not depend on case, digits or punctuation. No string is made per n-gram: the hash rolls over char codes.

const SEPARATOR = 32;
const FIRST_CJK = 0x2e80;
const LAST_LATIN = 0x24f;

export interface NgramEncoder {
  /** Fills `into` (length `buckets`) with unit-length features; all zero when `text` holds no letter. Returns characters read. */
  encode(text: string, into: Float32Array): number;
}

/** `buckets` is a power of two; at most `readChars` UTF-16 units of a text are read. */
export function createNgramEncoder(buckets: number, readChars: number): NgramEncoder {
  const fold = foldTable();
  const shift = 32 - Math.log2(buckets);
  const touched = new Uint16Array(readChars * 4 + 8);
  return {
    encode(text, into) {
      into.fill(0);
      const read = (text.length > readChars ? text.slice(0, readChars) : text).normalize('NFC');
      // Normalising can only lengthen a few exotic characters; the bound of `touched` must hold all the same.
      const length = Math.min(read.length, readChars);
      let features = 0;
      let count = 0;
      let one = SEPARATOR;
      let two = 0;
      const add = (hash: number): void => {
        const bucket = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> shift;
        const before = into[bucket] as number;
        if (before === 0) touched[features++] = bucket;
        into[bucket] = before + 1;
        count++;
      };
      for (let at = 0; at <= length; at++) {
        const code = at === length ? SEPARATOR : (fold[read.charCodeAt(at)] as number);
        if (code === SEPARATOR && one === SEPARATOR) continue;
        let hash = Math.imul(code + 0x1f123bb5, 0x9e3779b1);
        if (code !== SEPARATOR) {
          add(hash);
          if (code > LAST_LATIN) add(Math.imul(script(code) + 0x3c6ef372, 0x85ebca6b));
        }
        hash = Math.imul(hash ^ (one + 0x7f4a7c15), 0xc2b2ae35);
        add(hash);
        if (code < FIRST_CJK && two !== 0) {
          add(Math.imul((hash ^ (hash >>> 13)) + two, 0x27d4eb2f));
        }
        two = one;
        one = code;
      }
      // The square root of each share: frequent n-grams do not drown the rest, and the squares sum to one.
      for (let at = 0; at < features; at++) {
        const bucket = touched[at] as number;
        into[bucket] = Math.sqrt((into[bucket] as number) / count);
      }
      return length;
    },
  };
}

/** One number per script, so that a Han or Hangul character never seen in training still says where it belongs. */
function script(code: number): number {
  if (code >= 0x4e00 && code <= 0x9fff) return 1;
  if (code >= 0xac00 && code <= 0xd7a3) return 2;
  return 16 + (code >> 7);
}

/** For each UTF-16 unit its lower-case letter, or the separator. */
function foldTable(): Uint16Array {
  const table = new Uint16Array(65536).fill(SEPARATOR);
  const letter = /^[\p{L}\p{M}]$/u;
  for (let code = 0; code < 65536; code++) {
    const character = String.fromCharCode(code);
    if (letter.test(character)) table[code] = character.toLowerCase().charCodeAt(0);
  }
  return table;
}
