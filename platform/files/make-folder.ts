import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOf } from '../errors.ts';

/**
 * Makes a folder for this user alone, and those above it that are missing; one that exists stays as it is. Throws Node's
 * error when it cannot. Node's own recursive mkdir never returns where the system answers ENOENT although the parent
 * exists, as under /proc.
 */
export function makeFolder(path: string): void {
  const whole = resolve(path);
  try {
    mkdirSync(whole, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && statSync(whole).isDirectory()) return;
    if (codeOf(error) !== 'ENOENT' || statSync(dirname(whole), { throwIfNoEntry: false })) throw error;
    makeFolder(dirname(whole));
    makeFolder(whole);
  }
}
