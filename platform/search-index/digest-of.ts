// The digest that tells whether two copies of a document say the same, whatever engine holds them. It is made when copies
// are compared, of what an engine keeps, so that it costs nothing where documents are written.

import { createHash } from 'node:crypto';
import type { FieldValue, IndexDefinition, IndexWrite } from './search-index.ts';
import { toWords } from './words.ts';

const hexDigits = 16;

/** What an engine keeps of a document: its fields that have a value, text as its words. */
export function keptFields(index: IndexDefinition, fields: NonNullable<IndexWrite['fields']>) {
  const kept: Record<string, string | number> = {};
  for (const [field, value] of Object.entries(fields)) {
    const plain = asKept(index, field, value);
    if (plain !== null) kept[field] = plain;
  }
  return kept;
}

function asKept(index: IndexDefinition, field: string, value: FieldValue | undefined): string | number | null {
  if (value === null || value === undefined || typeof value === 'number') return value ?? null;
  if (index.fields[field] !== 'text') return value.toWellFormed();
  return toWords(value).toWellFormed() || null;
}

/** The first 16 hex digits of SHA-256 over the fields that are kept, as JSON pairs in the order of their names. */
export function digestOf(kept: Readonly<Record<string, string | number>>): string {
  const pairs = Object.keys(kept)
    .sort()
    .map((name) => [name, kept[name]]);
  return createHash('sha256').update(JSON.stringify(pairs)).digest('hex').slice(0, hexDigits);
}
