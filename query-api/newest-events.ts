// What the log has up to a moment and a read model may not show yet. Whoever reads of a moment that is nearly now, and has
// no token for what was done just before, waits for these as if a token named them.

import { problems } from '#contracts/problems.ts';
import { topicOf } from '#events/aggregates.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import type { ConsistencyEntry } from '#platform/consistency/consistency-token.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller } from '#platform/http/route.ts';
import type { Condition } from '#platform/search-index/search-index.ts';
import { auditReadModel } from '../projectors/audit/read-model.ts';
import type { Freshness } from './freshness.ts';

/** Of an older moment the read models have everything, unless they are far behind, which is an alarm of its own. */
const YOUNG_MS = 30_000;
/** A read model is behind by no more than this, or by no more of the audit's rows. */
const LAG_MS = 10_000;
const LAG_ROWS = 1_000;
const MOST_EVENTS = 2_000;
const PAGE = 500;

export interface UpTo {
  readonly position: bigint;
  /** When its last event was recorded, in milliseconds since the epoch; null before the first. */
  readonly time: number | null;
}

export interface NewestEventsPorts {
  readonly store: Pick<EventStore, 'readAll'>;
  readonly fresh: Pick<Freshness, 'of'>;
  readonly now: () => number;
}

/** One entry for each stream, as a token has; throws 503 where the read models are too far behind to tell. */
export type NewestEvents = (
  caller: Caller,
  moment: UpTo,
  isWanted: (event: RecordedEvent) => boolean,
) => Promise<ConsistencyEntry[]>;

export function createNewestEvents({ store, fresh, now }: NewestEventsPorts): NewestEvents {
  /** Up to here all is shown. */
  async function startOf(caller: Caller, { position, time }: UpTo & { readonly time: number }): Promise<bigint> {
    const index = await fresh.of(auditReadModel, { caller, consistencyToken: undefined });
    const upTo: Condition = { field: 'position', to: Number(position) };
    const newest = (condition: Condition, limit: number) =>
      index.search({ partition: undefined, conditions: [upTo, condition], order: 'descending', limit });
    const [late, [settled]] = await Promise.all([
      newest({ field: 'recordedAt', from: time - LAG_MS + 1 }, LAG_ROWS),
      newest({ field: 'recordedAt', to: time - LAG_MS }, 1),
    ]);
    const start = late.length === LAG_ROWS ? late.at(-1) : settled;
    return BigInt(start?.sort ?? 0);
  }

  return async (caller, { position, time }, isWanted) => {
    if (time === null || time < now() - YOUNG_MS) return [];
    const entries = new Map<string, ConsistencyEntry>();
    let after = await startOf(caller, { position, time });
    for (let read = 0; read < MOST_EVENTS; read += PAGE) {
      const events = await store.readAll(after, PAGE);
      for (const event of events) {
        const { stream } = event;
        const topic = topicOf(stream);
        if (event.position > position) return [...entries.values()];
        if (topic !== undefined && isWanted(event)) entries.set(stream, { stream, topic, position: event.position });
        after = event.position;
      }
      if (events.length < PAGE || after >= position) return [...entries.values()];
    }
    const detail = 'The index of the audit is too far behind to tell what there was at so recent a moment.';
    throw new Problem(problems['not-caught-up'], { detail, headers: { 'retry-after': '5' } });
  };
}
