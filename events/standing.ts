// The standing of a small, long-lived thing: what a request must know of tenants, keys, models and credentials to be let
// in. It is the state that their events fold into, kept as a document by its stream's name, so that each request reads it
// at once; on a miss the stream itself is folded.

import type { Present } from './aggregate.ts';
import { aggregateOf, aggregates, type KnownAggregate } from './aggregates.ts';
import type { RecordedEvent } from './envelope.ts';
import { categoryOf, subjectOf } from './streams.ts';

type StandingOf<A> = A extends {
  readonly category: infer Category;
  readonly initial: infer State;
  readonly standing: object;
}
  ? { readonly of: Category; readonly state: Present<State> }
  : never;

export type Standing = StandingOf<KnownAggregate>;

const withStanding = aggregates.filter(({ standing }) => standing !== undefined);

/** The topics that events of streams with a standing go to. */
export const standingTopics: readonly string[] = [...new Set(withStanding.map(({ topic }) => topic))];

export const standingKey = (stream: string) => `standing:${stream}`;

/** Whether streams of this kind have a standing. */
export const hasStanding = (stream: string): boolean => aggregateOf(stream)?.standing !== undefined;

/** What a stream's state stands for; undefined for what is absent, or has no standing. */
export function standingOf(stream: string, state: unknown): Standing | undefined {
  const one = aggregateOf(stream);
  const { status } = state as Standing['state'] | { readonly status: 'absent' };
  return one?.standing === undefined || status === 'absent' ? undefined : ({ of: one.category, state } as Standing);
}

/** Folds one event; undefined stands for a stream without events. */
export function evolveStanding(before: Standing | undefined, event: RecordedEvent): Standing | undefined {
  const one = aggregateOf(event.stream);
  return one && standingOf(event.stream, one.evolve(before?.state ?? one.initial, event));
}

export interface Listing {
  readonly set: string;
  readonly member: string;
  /** null takes the member out. */
  readonly score: number | null;
}

/** Where a standing is listed: while it lives, by the time of its making. Members are stream names. */
export function listingsOf(stream: string, { state }: Standing): Listing[] {
  const one = aggregateOf(stream);
  if (!one?.standing) throw new TypeError(`${categoryOf(stream)} has no standing`);
  const score = one.standing.listedAt(state);
  return [one.standing.listedWith(state)].flat().map((owner) => ({ set: one.list(owner), member: stream, score }));
}

/** Whose it is: of those on whose lists it may be the first, else what itself is named after. */
export function ownerOf(stream: string, { state }: Standing): string {
  const [owner] = [aggregateOf(stream)?.standing?.listedWith(state)].flat();
  return owner ?? subjectOf(stream);
}

/** Whether it is among what its owner has, or has left it. */
export function isThere(stream: string, { state }: Standing): boolean {
  const definition = aggregateOf(stream)?.standing;
  if (!definition) return false;
  return definition.isThere?.(state) ?? definition.listedAt(state) !== null;
}

/** The document that stands for a standing at a revision: written by the projector and, at once, by the command. */
export const standingDocument = (stream: string, revision: number, standing: Standing) => ({
  key: standingKey(stream),
  revision,
  value: standing,
  members: listingsOf(stream, standing),
});
