import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The names of the files in a folder whose bytes contain a text. */
export async function filesWith(folder: string, text: string): Promise<string[]> {
  const names = await readdir(folder);
  const found = await Promise.all(names.map(async (name) => (await readFile(join(folder, name))).includes(text)));
  return names.filter((_, i) => found[i]).sort();
}
