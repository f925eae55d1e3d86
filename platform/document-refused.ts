// What a store says of one document: it will never take it, whatever state the store is in. All else that a store refuses
// (memory, a full disk, credentials, an index of another shape) is about the store, and no document may be blamed for it.

import { asError, codeOf, finalError, sqliteCodeOf } from './errors.ts';

export class DocumentRefused extends finalError('document-refused') {}

/** By code, as classes do not cross threads. */
export const isDocumentRefused = (error: unknown): boolean => codeOf(error) === 'document-refused';

/** What node:sqlite reports of a row that breaks a constraint, is too large, or has a value of another type. */
const SQLITE_REFUSALS = new Set([18, 19, 20]);

/**
 * Runs what reads or writes one document and nothing else: a value that cannot be written down, or that the database's
 * own rules refuse, is that document's fault and throws `DocumentRefused`.
 */
export function onlyFor<T>(document: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isValueFault(error)) throw error;
    throw new DocumentRefused(`the document ${document} is refused: ${asError(error).message}`, { cause: error });
  }
}

function isValueFault(error: unknown): boolean {
  if (SQLITE_REFUSALS.has(sqliteCodeOf(error) ?? 0)) return true;
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}
