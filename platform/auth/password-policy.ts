// Which passwords are refused however long they are: those that are tried first.

/** By a key's sign: what its neighbours on a keyboard write, without and with shift; null where there is none. */
export type Keyboard = Readonly<Record<string, readonly (string | null)[]>>;

export interface TriedFirst {
  /** All in lower case. */
  readonly commonest: ReadonlySet<string>;
  readonly keyboards: readonly Keyboard[];
}

/** Of a pattern that is written again and again. */
const LONGEST_PATTERN = 8;
const REPEATED = new RegExp(`^(.{1,${LONGEST_PATTERN}})\\1+$`, 'su');
/** What people add to a word to make it a password. */
const ADDED = /^[\d\p{P}\p{S}]{0,4}(.*?)[\d\p{P}\p{S}]{0,6}$/su;
const NO_LETTERS = /[^\p{L}]+/gu;
const PRODUCT = 'defter';
/** Shorter ones are in too many words. */
const SHORTEST_NAME = 3;
/** So few letters beside a name make it no password. */
const FEW_LETTERS = 4;
/** Signs, on average, of rows of keys that are nothing but that. */
const RUN = 4;

/**
 * Whether it is one of the commonest but for upper case and a few digits or signs around it, one short pattern again and
 * again, nothing but rows of a keyboard or of the alphabet, or little more than the name of the product or of who signs in
 * by this e-mail address.
 */
export function isCommonPassword(password: string, email: string | undefined, tried: TriedFirst): boolean {
  const folded = password.toLowerCase();
  const isCommon = (text: string) => tried.commonest.has(text) || tried.commonest.has(ADDED.exec(text)?.[1] ?? text);
  if (REPEATED.test(folded) || isCommon(folded) || isOfRows(folded, tried.keyboards)) return true;
  const rest = withoutNames(folded, email);
  if (rest === folded) return false;
  const letters = rest.replaceAll(NO_LETTERS, '');
  return letters.length < FEW_LETTERS || isCommon(rest) || tried.commonest.has(letters);
}

function withoutNames(folded: string, email: string | undefined): string {
  const whole = email?.normalize('NFC').toLowerCase() ?? '';
  const local = whole.slice(0, whole.lastIndexOf('@'));
  return [whole, local, PRODUCT]
    .filter(({ length }) => length >= SHORTEST_NAME)
    .reduce((rest, name) => rest.replaceAll(name, ''), folded);
}

/** Whether it is made of a few runs, in each of which every sign is beside the one before it. */
function isOfRows(folded: string, keyboards: readonly Keyboard[]): boolean {
  const signs = Array.from(folded);
  const isBeside = (one: string, next: string) =>
    Math.abs((one.codePointAt(0) ?? 0) - (next.codePointAt(0) ?? 0)) <= 1 ||
    keyboards.some((keyboard) => keyboard[one]?.some((key) => key?.includes(next)));
  const runs = signs.filter((sign, n) => n === 0 || !isBeside(signs[n - 1] ?? '', sign)).length;
  return runs * RUN <= signs.length;
}
