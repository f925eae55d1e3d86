import type { Random } from '../training/random.ts';
import { calendarPhrases } from './calendar-text.ts';
import { readDeclaration } from './declaration-text.ts';
import { readEveryday } from './everyday-text.ts';
import { languages } from './languages.ts';

export interface LanguageText {
  readonly label: string;
  readonly declaration: readonly string[];
  readonly everyday: readonly string[];
  readonly calendar: readonly string[];
  /** Words of all three, for samples without a fixed order. Whole sentences where words are not spaced. */
  readonly words: readonly string[];
  readonly heldOut: { readonly declaration: readonly string[]; readonly everyday: readonly string[] };
}

const SHORTEST = 6;
const LONGEST = 320;

/** All text the model learns from and is measured on, one entry per label, in the labels' order. */
export async function readLanguages(): Promise<LanguageText[]> {
  return Promise.all(
    languages.map(async ({ label, declarations }) => {
      const texts = await Promise.all(declarations.map(readDeclaration));
      const everyday = await readEveryday(label);
      const declaration = texts.flatMap((text) => text.training);
      const calendar = calendarPhrases(label);
      return {
        label,
        declaration,
        everyday: everyday.training,
        calendar,
        // Everyday words four times: they are few, and nearer to what people send.
        words: [declaration, ...Array.from({ length: 4 }, () => everyday.training), calendar]
          .flat()
          .flatMap((text) => text.split(' ')),
        heldOut: { declaration: texts.flatMap((text) => text.heldOut), everyday: everyday.heldOut },
      };
    }),
  );
}

/** One training sample: a piece of random length, sometimes with its words shuffled, sometimes without diacritics. */
export function drawSample(language: LanguageText, random: Random): string {
  const length = Math.round(SHORTEST * (LONGEST / SHORTEST) ** random.next());
  const kind = random.next();
  let text: string;
  if (kind < 0.35) text = piece(random.pick(language.declaration), length, random);
  else if (kind < 0.65) text = piece(joined(language.everyday, length, random), length, random);
  else if (kind < 0.72) text = piece(joined(language.calendar, length, random), length, random);
  else text = joined(language.words, length, random);
  return random.next() < 0.12 ? withoutMarks(text) : text;
}

/** About `length` characters of `text`, starting at a word three times in four. */
function piece(text: string, length: number, random: Random): string {
  if (text.length <= length) return text;
  let start = random.below(text.length - length + 1);
  if (random.next() < 0.75) {
    const space = text.lastIndexOf(' ', start);
    start = space === -1 ? (text.includes(' ') ? 0 : start) : space + 1;
  }
  return text.slice(start, start + length);
}

function joined(parts: readonly string[], length: number, random: Random): string {
  let text = random.pick(parts);
  while (text.length < length) text += ` ${random.pick(parts)}`;
  return text;
}

const UNDECOMPOSED: Readonly<Record<string, string>> = {
  ı: 'i',
  ø: 'o',
  æ: 'ae',
  ł: 'l',
  ß: 'ss',
  đ: 'd',
  ə: 'e',
  œ: 'oe',
};

/** As people type on a keyboard without the letters: "cok guzel". Latin script only. */
function withoutMarks(text: string): string {
  if (!/[a-z]/i.test(text)) return text;
  const plain = text.normalize('NFD').replaceAll(/\p{M}/gu, '').normalize('NFC');
  return plain.toLowerCase().replaceAll(/[ıøæłßđəœ]/g, (letter) => UNDECOMPOSED[letter] ?? letter);
}
