import { isFinal } from '../errors.ts';

/** The log is newer than this program: no event's fault, and nothing that waiting mends. */
export const isLogNewer = (err: unknown): boolean => (err as { code?: unknown } | undefined)?.code === 'log-is-newer';

/**
 * What no further try of the same write mends: a document that the store refuses, a store that is not the one it was, a
 * fault in the program. By name, as classes do not cross threads.
 */
export const isHopelessWrite = (err: unknown): boolean => {
  if (isLogNewer(err)) return false;
  return isFinal(err) || ['TypeError', 'RangeError', 'SyntaxError'].includes((err as Error | undefined)?.name ?? '');
};
