import { isFinal } from '../back-off.ts';

/** The log is newer than this program: no event's fault, and nothing that waiting mends. */
export const isLogNewer = (err: unknown): boolean => (err as { code?: unknown } | undefined)?.code === 'log-is-newer';

/** What a store refuses, whatever its state: a value that it cannot hold. By name, as classes do not cross threads. */
export const isRefusedWrite = (err: unknown): boolean => {
  if (isLogNewer(err)) return false;
  return isFinal(err) || ['TypeError', 'RangeError', 'SyntaxError'].includes((err as Error | undefined)?.name ?? '');
};
