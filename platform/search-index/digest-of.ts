// The digest that tells whether two copies of a document say the same, whatever engine holds them.

import { createHash } from 'node:crypto';
import type { IndexWrite } from './search-index.ts';

const hexDigits = 16;

/**
 * The first 16 hex digits of SHA-256 over the fields that have a value, text included, as JSON pairs in the order of their
 * names. A field that is null counts as left out.
 */
export function digestOf(fields: NonNullable<IndexWrite['fields']>): string {
  const names = Object.keys(fields).filter((name) => fields[name] !== null && fields[name] !== undefined);
  const pairs = names.sort().map((name) => [name, fields[name]]);
  return createHash('sha256').update(JSON.stringify(pairs)).digest('hex').slice(0, hexDigits);
}
