// Projections of numbered events, one of each kind.

import type { RecordedEvent } from '#events/envelope.ts';
import type { DocumentProjection, EventRowProjection, StreamRowProjection } from '#platform/projection/projection.ts';

const TOPICS = ['test.alpha', 'test.beta'];
export const numberIn = (event: RecordedEvent) => (event.data as { number: number }).number;

export interface Sum {
  readonly sum: number;
  readonly seen: readonly string[];
}

/** Counted adds; Ignored does nothing; Deleted deletes; Fault throws. */
export const sums = {
  kind: 'document',
  name: 'sums',
  topics: TOPICS,
  keyOf: (stream) => (stream.startsWith('beta-none') ? undefined : `sum:${stream}`),
  project(document: Sum | undefined, event) {
    if (event.type === 'Fault') throw new Error(`cannot project ${event.stream} at ${event.revision}`);
    if (event.type === 'Ignored') return 'ignore';
    const members = [{ set: 'sums', member: event.stream, score: event.type === 'Deleted' ? null : event.recordedAt }];
    if (event.type === 'Deleted') return { document: null, members };
    const { sum = 0, seen = [] } = document ?? {};
    return {
      document: { sum: sum + numberIn(event), seen: [...seen, event.id] },
      members,
      counts: [{ counter: 'total', by: numberIn(event) }],
    };
  },
  expiresAt: ({ sum }) => (sum >= 1_000 ? 5_000 : undefined),
} satisfies DocumentProjection<Sum>;

export interface Story {
  readonly tenant: string;
  readonly began: number;
  readonly words: readonly string[];
  readonly done: boolean;
}

/** Each event adds a word; Ended ends, and only then is there text. */
export const stories = {
  kind: 'stream-row',
  name: 'stories',
  topics: TOPICS,
  index: {
    name: 'stories',
    fields: { tenant: 'keyword', status: 'code', began: 'number', words: 'text' },
    sortBy: 'began',
    partitionBy: 'tenant',
  },
  concerns: () => true,
  project(state: Story | undefined, event) {
    if (event.type === 'Fault') throw new Error(`cannot project ${event.stream} at ${event.revision}`);
    if (event.type === 'Ignored') return 'ignore';
    if (event.type === 'Deleted') return null;
    const { tenant, began, words } = state ?? { tenant: event.metadata.tenantId, began: numberIn(event), words: [] };
    return { tenant, began, words: [...words, `w${numberIn(event)}`], done: event.type === 'Ended' };
  },
  fields({ tenant, began, words, done }) {
    if (words.includes('w666')) throw new Error('cannot be rendered');
    return {
      tenant: words.includes('w999') ? 'x'.repeat(600) : tenant,
      began,
      status: done ? 'done' : 'open',
      words: done ? words.join(' ') : null,
    };
  },
  ended: ({ done }) => done,
} satisfies StreamRowProjection<Story>;

export const journal = {
  kind: 'event-row',
  name: 'journal',
  topics: TOPICS,
  index: {
    name: 'journal',
    fields: { tenant: 'keyword', type: 'code', number: 'number' },
    sortBy: 'number',
    partitionBy: 'tenant',
  },
  fieldsOf(event) {
    if (event.type === 'Fault') throw new Error(`cannot project ${event.stream} at ${event.revision}`);
    if (event.type === 'Ignored') return undefined;
    return { tenant: event.metadata.tenantId, type: event.type, number: numberIn(event) };
  },
} satisfies EventRowProjection;
