import type { Log } from './log.ts';

/** For command-line verbs: warnings and errors as sentences on standard error, standard output left to the answer. */
export function createStderrLog(): Log {
  const say = (fields: object, message: string) => {
    const { err } = fields as { readonly err?: unknown };
    process.stderr.write(`${message}${err instanceof Error ? `: ${err.message}` : ''}\n`);
  };
  return { debug: () => undefined, info: () => undefined, warn: say, error: say };
}
