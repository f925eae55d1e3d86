// The few errors that belong to no port, and how to read one whose class is not known.

/** An error that bears its class's name. */
export class NamedError extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The class of errors with this `code` for which trying the same again is useless. */
export const finalError = <Code extends string>(code: Code) =>
  class extends NamedError {
    readonly code: Code = code;
    readonly retriable = false;
  };

/** The class of errors with this `code` for which trying the same again may help. */
export const transientError = <Code extends string>(code: Code) =>
  class extends NamedError {
    readonly code: Code = code;
    readonly retriable = true;
  };

/** What keeps a program from starting, for the person who started it: one plain sentence per fault, no stack. */
export class StartError extends NamedError {
  readonly code: string;
  readonly retriable = false;
  readonly faults: readonly string[];
  constructor(faults: string | readonly string[], code = 'cannot-start') {
    const sentences = typeof faults === 'string' ? [faults] : faults;
    super(sentences.join('\n'));
    this.faults = sentences;
    this.code = code;
  }
}

/** The `code` that an error carries (Node's, a driver's or our own), if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What says of itself that trying again is useless: a log newer than the program, a refusal. */
export const isFinal = (err: unknown): boolean => (err as { retriable?: unknown } | undefined)?.retriable === false;

/** What says of itself that trying again helps. */
export const isTransient = (err: unknown): boolean => (err as { retriable?: unknown } | undefined)?.retriable === true;

/** SQLite's primary result code (https://www.sqlite.org/rescode.html), or undefined for an error that is not SQLite's. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (codeOf(error) !== 'ERR_SQLITE_ERROR') return undefined;
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}

/** SQLITE_BUSY: another connection holds the lock, so nothing was done. */
export const isSqliteBusy = (error: unknown): boolean => sqliteCodeOf(error) === 5;

const SQLITE_FAULTS = new Set([5, 8, 10, 13, 14]); // busy, read-only, I/O error, full, cannot open
const DISK_FAULTS = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

/** Whether the disk, not the request, is at fault: full, read-only, failing. What was asked may succeed once it is mended. */
export function isStorageFault(error: unknown): boolean {
  return SQLITE_FAULTS.has(sqliteCodeOf(error) ?? 0) || DISK_FAULTS.has(codeOf(error) ?? '');
}

/** An Error for whatever was thrown; an Error is returned as it is. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
