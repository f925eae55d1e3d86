// Every event type that this program can write, its schema and its present version.

import type { AnyAggregate, Upcasters } from './aggregate.ts';
import { aggregates } from './aggregates.ts';
import type { RecordSchema } from './avro.ts';

export interface CatalogEntry {
  readonly schema: RecordSchema;
  /** Goes up by one whenever the schema changes, with the step that older events take when they are read. */
  readonly version: number;
}

/** Throws where two aggregates have an event type of one name. */
export function catalogOf(all: readonly AnyAggregate[]): ReadonlyMap<string, CatalogEntry> {
  const types = new Map<string, CatalogEntry>();
  for (const { schemas, upcasts } of all)
    for (const [type, schema] of Object.entries(schemas)) {
      if (types.has(type)) throw new TypeError(`two aggregates have the event type ${type}`);
      types.set(type, { schema, version: 1 + (upcasts?.[type]?.length ?? 0) });
    }
  return types;
}

export const catalog = catalogOf(aggregates);

/** The steps of all aggregates. */
export const upcasters: Upcasters = Object.assign(
  {},
  ...(aggregates as readonly AnyAggregate[]).map(({ upcasts }) => upcasts),
) as Upcasters;
