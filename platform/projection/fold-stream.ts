// Folds what came of one stream onto what was made of it before. The guard: last + 1 applies, lower is a duplicate, higher
// reads the stream again from the event store.

import type { RecordedEvent } from '#events/envelope.ts';
import { asError, isTransient, NamedError } from '../errors.ts';
import type { DeadLetters } from '../bus/dead-letters.ts';
import type { EventStore } from '../event-store/event-store.ts';
import type { OpenEvent } from './projection.ts';
import { isLogNewer } from './projection-errors.ts';
import type { Folded, ProjectionTarget, Rendered } from './projection-target.ts';
import { readStreamRange } from './read-stream-range.ts';

export interface StreamBatch {
  readonly stream: string;
  /** Revision of the first event that came. */
  readonly first: number;
  /** As they came; without any the stream is read from the event store to its end. */
  readonly events: readonly RecordedEvent[];
}

export interface FoldParts {
  readonly target: ProjectionTarget;
  readonly store: Pick<EventStore, 'readStream'>;
  readonly letters: Pick<DeadLetters, 'isDiscarded'>;
  readonly open: OpenEvent | undefined;
  /** Tries for as long as it takes, but for what is hopeless. */
  readonly patiently: <T>(work: () => Promise<T>, isHopeless?: (err: unknown) => boolean) => Promise<T>;
}

export interface FoldFailure {
  readonly event: RecordedEvent;
  readonly error: unknown;
}

export interface FoldOutcome {
  /** What there is to write, and what it was made of: all events, or those before the one that failed. */
  readonly unit?: { readonly rendered: Rendered; readonly events: readonly RecordedEvent[] };
  readonly failure?: FoldFailure;
}

/**
 * At once where nothing need be waited for, as promises cost as much as most folds. Throws or rejects only for what is no
 * event's fault.
 */
export function foldStream(parts: FoldParts, base: Folded, batch: StreamBatch): FoldOutcome | Promise<FoldOutcome> {
  if (isComplete(base, batch.events)) return openAndFold(parts, base, batch.events);
  return readAgain(parts, base, batch).then((events) => openAndFold(parts, base, events));
}

function openAndFold(parts: FoldParts, base: Folded, events: readonly RecordedEvent[]) {
  const opened = openEvents(parts, base, events);
  if (!(opened instanceof Promise)) return foldOpened(parts, base, events, opened);
  return opened.then((one) => foldOpened(parts, base, events, one));
}

/** An event as the projection reads it; throws what opening it threw. */
type Opened = (event: RecordedEvent) => RecordedEvent;

const asItIs: Opened = (event) => event;

function openEvents(parts: FoldParts, base: Folded, events: readonly RecordedEvent[]): Opened | Promise<Opened> {
  const { open, letters } = parts;
  if (!open) return asItIs;
  const wanted = events.filter(
    ({ stream, revision }) => revision > base.revision && !letters.isDiscarded(stream, revision),
  );
  const begun = new Map<RecordedEvent, RecordedEvent | Promise<RecordedEvent>>();
  for (const event of wanted) {
    const now = begin(open, event);
    begun.set(event, now);
    if (now instanceof Promise) return openPatiently(parts, open, wanted, begun);
  }
  return (event) => (begun.get(event) as RecordedEvent | undefined) ?? event;
}

/** What cannot be opened rejects, so that it may be tried again. */
function begin(open: OpenEvent, event: RecordedEvent): RecordedEvent | Promise<RecordedEvent> {
  try {
    return open(event);
  } catch (error) {
    return Promise.reject(asError(error));
  }
}

async function openPatiently(
  { patiently }: FoldParts,
  open: OpenEvent,
  events: readonly RecordedEvent[],
  begun: Map<RecordedEvent, RecordedEvent | Promise<RecordedEvent>>,
): Promise<Opened> {
  const opened = new Map<RecordedEvent, Opened>();
  for (const event of events) {
    const tryOnce = async () => {
      const first = begun.get(event);
      begun.delete(event);
      return first ?? open(event);
    };
    try {
      const one = await patiently(tryOnce, isNotTransient);
      opened.set(event, () => one);
    } catch (error) {
      if (isNoEventsFault(error)) throw error;
      opened.set(event, () => {
        throw error;
      });
      break;
    }
  }
  return (event) => opened.get(event)?.(event) ?? event;
}

function foldOpened(parts: FoldParts, base: Folded, events: readonly RecordedEvent[], opened: Opened): FoldOutcome {
  try {
    return foldEvents(parts, base, events, opened, false);
  } catch (error) {
    if (!(error instanceof CannotRender)) throw error;
    // Once more, to find the event after which it cannot be rendered.
    return foldEvents(parts, base, events, opened, true);
  }
}

class CannotRender extends NamedError {}

function foldEvents(
  { target, letters }: FoldParts,
  base: Folded,
  events: readonly RecordedEvent[],
  opened: Opened,
  renderEach: boolean,
): FoldOutcome {
  let folded = base;
  const done: RecordedEvent[] = [];
  let failure: FoldFailure | undefined;
  for (const event of events) {
    if (event.revision <= folded.revision) continue;
    try {
      if (event.revision > folded.revision + 1)
        throw new Error(`the log lacks events before revision ${event.revision}`);
      if (letters.isDiscarded(event.stream, event.revision)) {
        folded = target.skip(folded, event);
        done.push(event);
        continue;
      }
      const next = target.step(folded, opened(event));
      if (renderEach) target.render(next);
      folded = next;
      done.push(event);
    } catch (error) {
      if (isNoEventsFault(error)) throw error;
      failure = { event, error };
      break;
    }
  }
  const last = done.at(-1);
  if (!last) return failure ? { failure } : {};
  try {
    return { unit: { rendered: target.render(folded), events: done }, ...(failure && { failure }) };
  } catch (cause) {
    if (isNoEventsFault(cause)) throw cause;
    // What was there before cannot be rendered either: nothing can be written.
    if (renderEach) return { failure: { event: last, error: cause } };
    throw new CannotRender('what was folded cannot be rendered', { cause });
  }
}

const isNotTransient = (err: unknown) => !isTransient(err);
const isNoEventsFault = (err: unknown) => isLogNewer(err) || (err as Error | undefined)?.name === 'Interrupted';

/** Whether events follow on what was folded without a gap, duplicates aside. */
function isComplete(base: Folded, events: readonly RecordedEvent[]): boolean {
  let reached = base.revision;
  for (const { revision } of events) {
    if (revision > reached + 1) return false;
    if (revision > reached) reached = revision;
  }
  return events.length > 0;
}

function readAgain({ store, patiently }: FoldParts, base: Folded, { stream, events }: StreamBatch) {
  // Up to what came and not further: what is written then is what the positions say.
  const to = events.length > 0 ? Math.max(...events.map(({ revision }) => revision)) : Infinity;
  return patiently(() => readStreamRange(store, stream, base.revision + 1, to));
}
