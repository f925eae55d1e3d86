// What administrators ask to be done with a group's dead letters, from the log to the member that owns the stream's
// partition. Requests are read from the log itself, so none is lost; a letter remembers the last that it was taken up
// for, so each is answered once, also by a member that starts later.

import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '../event-store/event-store.ts';
import { readWholeStream } from '../event-store/read-whole-stream.ts';
import type { Log } from '../logging/log.ts';
import { createBell } from '../patience/bell.ts';
import type { DeadLetters } from './dead-letters.ts';

export interface LetterRequest {
  /** The event's revision in the stream of requests. */
  readonly request: number;
  readonly stream: string;
  /** Of the event that failed. */
  readonly revision: number;
  readonly kind: 'retry' | 'discard';
}

export interface LetterRequestSource {
  /** Those after a request, in order; -1 for all. */
  since(request: number): Promise<readonly LetterRequest[]>;
  /** Calls back when there may be more; returns what ends it. That may be missed: it is looked at again anyway. */
  onNews?(listener: () => void): () => void;
}

/** Requests that are events of one stream. */
export const letterRequestsInLog = (
  store: Pick<EventStore, 'readStream'>,
  stream: string,
  requestOf: (event: RecordedEvent) => LetterRequest | undefined,
  onNews?: (listener: () => void) => () => void,
): LetterRequestSource => ({
  async since(request) {
    const events = await readWholeStream(store, stream, request + 1);
    return events.flatMap((event) => requestOf(event) ?? []);
  },
  ...(onNews && { onNews }),
});

export interface LetterRequestParts {
  readonly source: LetterRequestSource;
  readonly group: string;
  readonly letters: Pick<DeadLetters, 'find' | 'takeUpFor' | 'isDiscarded'>;
  /** Whether this member is the one that works on the stream now. */
  readonly owns: (stream: string) => boolean;
  /** Runs in the member's own loop. */
  readonly takeUp: (stream: string, discard: boolean) => Promise<unknown>;
  /** Leaves out an event that was given up, though nothing is parked here: another version of the read model parked it. */
  readonly discard?: (stream: string, revision: number) => Promise<void>;
  readonly log: Log;
  readonly everyMs?: number;
}

export function startLetterRequests(parts: LetterRequestParts) {
  const { source, group, letters, owns, takeUp, discard, log, everyMs = 1_000 } = parts;
  const stopping = new AbortController();
  const bell = createBell();
  let reached = -1;
  let fromStart = false;
  /** Those of letters whose streams another member works on for now, by stream. */
  let others = new Map<string, LetterRequest>();

  async function answer(asked: LetterRequest): Promise<void> {
    const { request, stream, revision, kind } = asked;
    const letter = letters.find(stream);
    if (kind === 'discard' && !letter && !letters.isDiscarded(stream, revision)) await discard?.(stream, revision);
    if (letter?.revision !== revision || letter.request >= request) return;
    if (!owns(stream)) {
      others.set(stream, asked);
      return;
    }
    letters.takeUpFor(stream, request);
    log.info({ group, stream, revision, kind }, 'a dead letter is taken up, as an administrator asked');
    await takeUp(stream, kind === 'discard');
  }

  async function look(): Promise<void> {
    if (fromStart) reached = -1;
    fromStart = false;
    const waiting = others;
    others = new Map();
    for (const asked of [...waiting.values(), ...(await source.since(reached))]) {
      if (stopping.signal.aborted) return;
      await answer(asked);
      reached = Math.max(reached, asked.request);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look().catch((err: unknown) => {
        if (stopping.signal.aborted) return;
        log.warn({ err, group }, 'requests for dead letters cannot be followed, trying again');
      });
      if (!stopping.signal.aborted) await bell.wait(everyMs);
    }
  }

  const silence = source.onNews?.(bell.ring);
  const running = run();
  return {
    /** Looks at all requests again, because letters were loaded anew. */
    again() {
      fromStart = true;
      bell.ring();
    },
    async stop() {
      silence?.();
      stopping.abort();
      bell.ring();
      await running;
    },
  };
}
