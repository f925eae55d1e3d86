// All that there is: a new aggregate is one file and its name here. Catalog, topics, standings and the types of events are
// derived from this list.

import type { AnyAggregate, EventFields, EventOf } from './aggregate.ts';
import { apiKeys } from './api-key.ts';
import { credentials } from './credential.ts';
import { inferences } from './inference.ts';
import { models } from './model.ts';
import { projections } from './projection.ts';
import { categoryOf } from './streams.ts';
import { tenantNames } from './tenant-name.ts';
import { tenants } from './tenant.ts';

export const aggregates = [tenants, tenantNames, apiKeys, credentials, models, inferences, projections] as const;

export type KnownAggregate = (typeof aggregates)[number];

type AnyEventOf<A> = A extends { readonly events: infer E extends EventFields } ? EventOf<E> : never;

/** Every event that this program can write. */
export type KnownEvent = AnyEventOf<KnownAggregate>;

export type EventType = KnownEvent['type'];
export type EventData<Type extends EventType> = Extract<KnownEvent, { readonly type: Type }>['data'];

/** Throws where two have one category: each would read the other's streams as its own. */
export function byCategory(all: readonly AnyAggregate[]): ReadonlyMap<string, AnyAggregate> {
  const known = new Map<string, AnyAggregate>();
  for (const one of all) {
    if (known.has(one.category)) throw new TypeError(`two aggregates have the category ${one.category}`);
    known.set(one.category, one);
  }
  return known;
}

const categories = byCategory(aggregates);

/** Whose stream this is; undefined for a category that this program does not know. */
export const aggregateOf = (stream: string): AnyAggregate | undefined => categories.get(categoryOf(stream));

/** The topic of a stream's events; undefined for a category that this program does not know. */
export const topicOf = (stream: string): string | undefined => aggregateOf(stream)?.topic;

const typesIn = new Map(
  (aggregates as readonly AnyAggregate[]).map(({ category, schemas }) => [category, new Set(Object.keys(schemas))]),
);

/** The types of events of a stream, by name; undefined for a category that this program does not know. */
export const typesOf = (stream: string): ReadonlySet<string> | undefined => typesIn.get(categoryOf(stream));

/** Streams that cannot be longer are folded anew each time. */
const LONGEST_WITHOUT_SNAPSHOT = 200;

const shapes = new Map(
  (aggregates as readonly AnyAggregate[])
    .filter(({ longest }) => longest === 'unbounded' || longest > LONGEST_WITHOUT_SNAPSHOT)
    .map(({ category, shape }) => [category, shape]),
);

/** What the states of a long stream are made by; undefined for a stream that is always short. */
export const snapshotShapeOf = (stream: string): string | undefined => shapes.get(categoryOf(stream));

/** Every topic that events go to. */
export const topics: readonly string[] = [...new Set(aggregates.map(({ topic }) => topic))];
