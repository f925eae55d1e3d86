import { readFile } from 'node:fs/promises';

export interface EverydayText {
  readonly training: readonly string[];
  readonly heldOut: readonly string[];
}

/** The everyday sentences written for this model (`everyday/<label>.txt`), those after `# held out` apart. */
export async function readEveryday(label: string): Promise<EverydayText> {
  const text = await readFile(new URL(`everyday/${label}.txt`, import.meta.url), 'utf8');
  const [training = '', heldOut = ''] = text.split('# held out\n');
  return { training: lines(training), heldOut: lines(heldOut) };
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
