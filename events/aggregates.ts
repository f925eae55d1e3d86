// All that there is: a new aggregate is one file and its name here. Catalog, topics, standings and the types of events are
// derived from this list.

import { accesses } from './access.ts';
import { admins } from './admins.ts';
import type { AnyAggregate, EventFields, EventOf } from './aggregate.ts';
import { apiKeys } from './api-key.ts';
import { credentials } from './credential.ts';
import { inboxes } from './inbox.ts';
import { inferences } from './inference.ts';
import { invitations } from './invitation.ts';
import { logins } from './login.ts';
import { members } from './member.ts';
import { models } from './model.ts';
import { projections } from './projection.ts';
import { sessions } from './session.ts';
import { categoryOf, partOf } from './streams.ts';
import { tenantNames } from './tenant-name.ts';
import { tenants } from './tenant.ts';
import { users } from './user.ts';

export const aggregates = [
  tenants,
  tenantNames,
  users,
  logins,
  sessions,
  invitations,
  members,
  admins,
  apiKeys,
  credentials,
  models,
  inferences,
  projections,
  accesses,
  inboxes,
] as const;

export type KnownAggregate = (typeof aggregates)[number];

type AnyEventOf<A> = A extends { readonly events: infer E extends EventFields } ? EventOf<E> : never;

/** Every event that this program can write. */
export type KnownEvent = AnyEventOf<KnownAggregate>;

export type EventType = KnownEvent['type'];
export type EventData<Type extends EventType> = Extract<KnownEvent, { readonly type: Type }>['data'];

type Owners<A> = (stream: string) => A | undefined;

/** Tells whose a stream is. Throws where two have streams of one name: each would read the other's as its own. */
export function ownersOfStreams<A extends Pick<AnyAggregate, 'category' | 'part'>>(all: readonly A[]): Owners<A> {
  const whole = new Map<string, A>();
  const parts = new Map<string, Map<string, A>>();
  for (const one of all) {
    const { category, part = '' } = one;
    const same = part === '' ? whole : (parts.get(category) ?? new Map<string, A>());
    const name = part || category;
    if (same.has(name)) throw new TypeError(`two aggregates have the category ${category} ${part}`.trimEnd());
    same.set(name, one);
    if (part !== '') parts.set(category, same);
  }
  return (stream) => {
    const category = categoryOf(stream);
    return parts.get(category)?.get(partOf(stream) ?? '') ?? whole.get(category);
  };
}

/** Whose stream this is; undefined for a kind that this program does not know. */
export const aggregateOf = ownersOfStreams<AnyAggregate>(aggregates);

/** The topic of a stream's events; undefined for a kind that this program does not know. */
export const topicOf = (stream: string): string | undefined => aggregateOf(stream)?.topic;

/** The categories of the streams whose events go to these topics. */
export const categoriesOf = (wanted: readonly string[]): ReadonlySet<string> =>
  new Set(aggregates.filter(({ topic }) => wanted.includes(topic)).map(({ category }) => category));

/** What decides the partition of a stream's events. */
export const partitionKeyOf = (stream: string): string => aggregateOf(stream)?.partitionKey?.(stream) ?? stream;

const types = new Map<AnyAggregate | undefined, ReadonlySet<string>>(
  aggregates.map((one) => [one, new Set(Object.keys(one.schemas))]),
);

/** The types of events of a stream, by name; undefined for a kind that this program does not know. */
export const typesOf = (stream: string): ReadonlySet<string> | undefined => types.get(aggregateOf(stream));

/** The kind of thing that an event of this type is about; undefined for a type that this program does not know. */
export const kindOfType = (type: string): string | undefined =>
  aggregates.find(({ events }) => Object.hasOwn(events, type))?.category;

/** The types of events of a kind of thing; none for a kind that there is not. */
export const typesOfKind = (kind: string): readonly string[] =>
  aggregates.filter(({ category }) => category === kind).flatMap(({ events }) => Object.keys(events));

/** Streams that cannot be longer are folded anew each time. */
const LONGEST_WITHOUT_SNAPSHOT = 200;

/** What the states of a long stream are made by; undefined for a stream that is always short. */
export function snapshotShapeOf(stream: string): string | undefined {
  const { longest = 0, shape } = aggregateOf(stream) ?? {};
  return longest === 'unbounded' || longest > LONGEST_WITHOUT_SNAPSHOT ? shape : undefined;
}

/** Every topic that events go to. */
export const topics: readonly string[] = [...new Set(aggregates.map(({ topic }) => topic))];
