// A moment of the past is a position in the log, as events share milliseconds. A time stands for the last event that was
// recorded by then. The audit's index finds it among all; where that lags, the log itself is read on from there.

import { problems } from '#contracts/problems.ts';
import { type MomentView, readMoment } from '#contracts/replay.ts';
import { isoTime } from '#contracts/views.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { type FieldFault, Problem } from '#platform/http/problem.ts';
import type { Caller } from '#platform/http/route.ts';
import type { Condition } from '#platform/search-index/search-index.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import type { Freshness } from '../freshness.ts';

export interface Moment {
  readonly position: bigint;
  /** Of the last event up to there, in milliseconds since the epoch; null before the first. */
  readonly time: number | null;
  /** What the clock showed: the time that was asked for, or that of the event. */
  readonly clock: number;
}

/** How far the clock of a caller may be ahead. */
const AHEAD_MS = 5_000;
/** Events read on from where the index ends; the first few are nearly always enough. */
const FIRST_PAGE = 16;
const PAGE = 500;
const MOST_READ = 20_000;

export interface MomentPorts {
  readonly store: Pick<EventStore, 'head' | 'readAll'>;
  readonly fresh: Pick<Freshness, 'of'>;
  readonly now: () => number;
}

/** `text` is undefined for now; `pointer` names it where it is at fault: then it throws 422. */
export type ResolveMoment = (caller: Caller, text: string | undefined, pointer: string) => Promise<Moment>;

export function createMoments({ store, fresh, now }: MomentPorts): ResolveMoment {
  /** The last event up to which `isPast` holds. */
  async function lastPast(
    caller: Caller,
    condition: Condition,
    isPast: (event: RecordedEvent) => boolean,
  ): Promise<Last> {
    // Whatever a request's token stands for is in the log, which is read on.
    const index = await fresh.of(auditReadModel, { caller, consistencyToken: undefined });
    const query = { partition: undefined, conditions: [condition], order: 'descending', limit: 1 } as const;
    const [hit] = await index.search(query);
    let last: Last = hit ? { position: BigInt(hit.sort), time: Number(hit.fields['recordedAt']) } : BEFORE_ALL;
    for (let read = 0, limit = FIRST_PAGE; read < MOST_READ; read += limit, limit = PAGE) {
      const events = await store.readAll(last.position, limit);
      for (const event of events) {
        if (!isPast(event)) return last;
        last = { position: event.position, time: event.recordedAt };
      }
      if (events.length < limit) return last;
    }
    const detail = 'The index of the audit is being built: moments cannot be looked up yet.';
    throw new Problem(problems['not-caught-up'], { detail, headers: { 'retry-after': '5' } });
  }

  async function timeAt(caller: Caller, position: bigint): Promise<number | null> {
    const condition = { field: 'position', to: Number(position) };
    return (await lastPast(caller, condition, (event) => event.position <= position)).time;
  }

  return async (caller, text, pointer) => {
    const head = await store.head();
    if (text === undefined) return { position: head, time: await timeAt(caller, head), clock: now() };
    const asked = readMoment(text);
    if (asked === undefined) throw fault(pointer, 'is no moment');
    if ('position' in asked) {
      if (asked.position > head) throw fault(pointer, `is beyond the end of the log, which is at ${head}`);
      const { position } = asked;
      const time = await timeAt(caller, position);
      return { position, time, clock: time ?? 0 };
    }
    const { time } = asked;
    if (time > now() + AHEAD_MS) throw fault(pointer, 'is in the future');
    const last = await lastPast(caller, { field: 'recordedAt', to: time }, ({ recordedAt }) => recordedAt <= time);
    return { ...last, clock: time };
  };
}

type Last = Pick<Moment, 'position' | 'time'>;

const BEFORE_ALL: Last = { position: 0n, time: null };

export const viewMoment = ({ position, time }: Moment): MomentView => ({
  position: String(position),
  time: time === null ? null : isoTime(time),
});

/** Throws 422 for a window that ends before it begins. */
export function requireInOrder(from: Moment, to: Moment): void {
  if (from.position <= to.position) return;
  const errors = [
    { in: 'query', pointer: '/from', message: `is at ${from.position}, after \`to\`` },
    { in: 'query', pointer: '/to', message: `is at ${to.position}, before \`from\`` },
  ] as const;
  throw new Problem(problems['invalid-request'], { detail: 'The window ends before it begins.', errors });
}

function fault(pointer: string, message: string): Problem {
  const errors: FieldFault[] = [{ in: 'query', pointer, message }];
  return new Problem(problems['invalid-request'], { errors });
}
