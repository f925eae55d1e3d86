// Keeps between starts what the types were stripped of and what V8 compiled. From the second start on only main.ts needs
// the stripper, which is a fifth of an idle process's memory and a third of what a start computes.

import { enableCompileCache } from 'node:module';

/** Where the folder cannot be written, what is in it serves, and where there is none, all is as without it: silently. */
export function keepCompiled(folder: string): void {
  enableCompileCache(folder);
  // Threads inherit it only by Node's own variable.
  process.env['NODE_COMPILE_CACHE'] ??= folder;
}
