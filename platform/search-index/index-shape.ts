// What of a definition decides how its documents are stored, in one form whatever order it was written in.

import type { FieldKind, IndexDefinition } from './search-index.ts';

export const fieldsOf = ({ fields }: IndexDefinition, ...kinds: FieldKind[]): string[] =>
  Object.keys(fields)
    .filter((field) => kinds.includes(fields[field]!))
    .sort();

/** The fields that a hit shows, in a fixed order. */
export const shownFields = (index: IndexDefinition) => fieldsOf(index, 'keyword', 'code', 'number');

/** Equal as JSON for equal definitions, but for their names. */
export function shapeOf({ fields, sortBy, partitionBy, numbered, findBy, rising, tally }: IndexDefinition) {
  const sorted = Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    fields: sorted,
    sortBy,
    partitionBy,
    ...(numbered && { numbered }),
    ...(findBy && findBy.length > 0 && { findBy }),
    ...(rising !== undefined && { rising }),
    ...(tally && { tally: { of: tally.of, over: tally.over } }),
  };
}
