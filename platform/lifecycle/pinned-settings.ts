// Settings that the data in a folder depends on: the first start fixes them, and a later one with another value is
// refused before it reads or writes anything else.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, StartError } from '../errors.ts';

const FILE = 'pinned.json';

/**
 * Throws a StartError, one sentence per setting, when the folder's first start had other values (`setting-pinned`).
 * `settings` are by variable name, in their own notation. One that is new to the folder is added.
 */
export function pinSettings(folder: string, settings: Readonly<Record<string, string>>): void {
  const path = join(folder, FILE);
  const pinned = readPinned(path);
  const changed = Object.entries(settings).filter(([name, value]) => (pinned[name] ?? value) !== value);
  if (changed.length > 0)
    throw new StartError(
      changed.map(
        ([name, value]) =>
          `${name} is ${value}, but DATA_DIR ${folder} was made with ${name}=${pinned[name]}: set it back, or start with an empty DATA_DIR.`,
      ),
      'setting-pinned',
    );
  if (Object.keys(settings).every((name) => Object.hasOwn(pinned, name))) return;
  writeFileSync(`${path}.new`, `${JSON.stringify({ ...pinned, ...settings })}\n`, { flush: true });
  renameSync(`${path}.new`, path);
}

function readPinned(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, String(one)]));
  } catch {
    // Told below, as what is no object is.
  }
  throw new StartError(`${path} cannot be read; it must hold what the first start wrote.`, 'data-unknown');
}
