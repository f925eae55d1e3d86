// The relay: the log's events into their topics, exactly once, in order. Of several relays one works and the others wait.
// What it has written is known from the target alone, so it may be killed at any moment; on any doubt it opens a new
// session, which fences the old one and tells where to go on. It never leaves an event out: it stops and says why.

import { backOff, pause } from '#platform/patience/back-off.ts';
import { Interrupted } from '#platform/patience/persist.ts';
import { unlessAborted } from '#platform/patience/within.ts';
import { asError, isFinal, StartError } from '#platform/errors.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { Log } from '#platform/logging/log.ts';
import { RelayFenced, type RelaySession, type RelayTarget, type RelayTurn } from '#platform/relay/relay-target.ts';
import { createBatchQueue } from './batch-queue.ts';
import { readLog } from './read-log.ts';

export interface RelayOptions {
  readonly store: Pick<EventStore, 'subscribeAll' | 'head' | 'generation'>;
  /** The relay's from now on: closed when it stops, also by itself. */
  readonly target: RelayTarget;
  /** undefined for a stream that this program does not know: the relay stops before it. */
  readonly topicOf: (stream: string) => string | undefined;
  readonly partitionOf: (topic: string, stream: string) => number;
  readonly log: Log;
  readonly observe?: RelayObserver;
}

export interface RelayObserver {
  /** A batch of so many events is written, the last one at this position. */
  relayed?(events: number, milliseconds: number, position: bigint): void;
  /** A session was opened. */
  opened?(milliseconds: number): void;
}

export type RelayState =
  /** Another works, or the target is not reached yet; `trouble` says so. */
  | { readonly name: 'waiting'; readonly trouble?: string }
  | {
      readonly name: 'working';
      /** Of the last event written. */
      readonly position: bigint;
      /** It has written what the log had when its session began. */
      readonly caughtUp: boolean;
      /** What is being tried again, if anything is. */
      readonly trouble?: string;
    }
  | { readonly name: 'stopped'; readonly why?: string };

export interface Relay {
  /** Resolves with the reason when the relay stopped by itself: the log is newer, an event does not encode. */
  readonly failed: Promise<Error>;
  /** Positions between the last event written and the log's head, an upper bound of the events; 0 while another works. */
  lag(): Promise<number>;
  state(): RelayState;
  /** What keeps the relay from being ready, as a sentence. Null also while it waits for its turn: another works then. */
  waitsFor(): string | null;
  /** Ends the batch that is being written, and leaves, so that another may work. */
  stop(): Promise<void>;
}

/**
 * A transaction costs its target and every consumer about the same whether it holds one event or a hundred. So after one
 * that is not large the relay gathers, in proportion to what that one took: an event that comes after a quiet moment is
 * written at once, and a machine with much to do is asked less often.
 */
const PACE = { full: 500, times: 1, mostMs: 50 } as const;
/** How long a log that seems shorter than the checkpoint is asked again: a replica may be behind. */
const SHORT_LOG_MS = 10_000;

export function startRelay(options: RelayOptions): Relay {
  const { store, target, log, observe } = options;
  const stopping = new AbortController();
  const failure = Promise.withResolvers<Error>();
  let state: RelayState = { name: 'waiting' };

  const setTrouble = (trouble: string | undefined) => {
    if (state.name === 'stopped') return;
    const { trouble: _, ...rest } = state;
    state = trouble === undefined ? rest : { ...rest, trouble };
  };

  /** Where the session goes on. Rejects with `StartError` when its checkpoint is not of this log. */
  async function startOf({ checkpoint }: RelaySession, signal: AbortSignal): Promise<bigint> {
    if (!checkpoint) return 0n;
    if (checkpoint.generation !== store.generation) {
      throw new StartError(
        `the log is of generation ${store.generation}, the relay's checkpoint of ${checkpoint.generation}: ` +
          'the log was restored, and what was relayed from the other one must be removed first',
        'other-generation',
      );
    }
    const until = performance.now() + SHORT_LOG_MS;
    for (let attempt = 1; ; attempt++) {
      const head = await store.head();
      if (head >= checkpoint.position || signal.aborted) return checkpoint.position;
      if (performance.now() > until) {
        throw new StartError(
          `the log ends at position ${head}, the relay has written up to ${checkpoint.position}: the log has lost its end`,
          'log-lost-its-end',
        );
      }
      await pause(backOff(attempt), signal);
    }
  }

  /** Writes until the signal aborts or something fails. */
  async function work(session: RelaySession, lost: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const signal = AbortSignal.any([stopping.signal, lost, ending.signal]);
    const start = await startOf(session, signal);
    const head = await store.head();
    const { generation } = store;
    state = { name: 'working', position: start, caughtUp: start >= head };
    log.info({ position: String(start), head: String(head) }, 'the relay works');

    const queue = createBatchQueue(target.limits);
    const close = () => queue.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    const reading = readLog({ ...options, queue, after: start, signal, trouble: setTrouble }).then(
      () => queue.end(),
      (err: unknown) => queue.end(err ?? new Error('reading the log failed')),
    );
    try {
      for (;;) {
        const events = await queue.take();
        const position = events?.at(-1)?.position;
        if (events === undefined || position === undefined) return;
        const began = performance.now();
        await session.write(events, { position, generation });
        const milliseconds = performance.now() - began;
        observe?.relayed?.(events.length, milliseconds, position);
        state = { ...state, name: 'working', position, caughtUp: position >= head };
        if (events.length < PACE.full) await pause(Math.min(PACE.times * milliseconds, PACE.mostMs), signal);
      }
    } finally {
      ending.abort();
      signal.removeEventListener('abort', close);
      await reading;
    }
  }

  /** Opening may take its full deadline: a stop does not wait for it. */
  async function openUnlessStopped(turn: RelayTurn): Promise<RelaySession> {
    const opening = turn.open();
    try {
      return await unlessAborted(opening, stopping.signal);
    } catch (err) {
      void opening.then(
        (late) => late.close(),
        () => undefined,
      );
      throw err;
    }
  }

  /** Sessions, one after the other, as long as the turn lasts. */
  async function takeTurn(): Promise<void> {
    const turn = await target.turn(stopping.signal);
    const over = AbortSignal.any([turn.lost, stopping.signal]);
    for (let attempt = 1; !over.aborted; attempt++) {
      let session: RelaySession | undefined;
      const began = performance.now();
      try {
        session = await openUnlessStopped(turn);
        observe?.opened?.(performance.now() - began);
        await work(session, turn.lost);
      } catch (err) {
        if (stopping.signal.aborted) return;
        // What a new session cannot mend: said by the event store, the encoding or the target itself.
        if (isFinal(err)) throw err;
        if (!(err instanceof Interrupted)) {
          const fenced = err instanceof RelayFenced;
          log.warn({ err }, fenced ? 'another relay took over' : 'the relay begins anew from its checkpoint');
          setTrouble(asError(err).message);
          if (fenced) return;
        }
      } finally {
        await session?.close();
      }
      if (state.name === 'working' && performance.now() - began > 10_000) attempt = 1;
      await pause(backOff(attempt, 50, 2_000), over);
    }
  }

  async function run(): Promise<void> {
    try {
      while (!stopping.signal.aborted) {
        await takeTurn();
        if (state.name === 'working') state = { name: 'waiting' };
      }
      state = { name: 'stopped' };
    } catch (err) {
      state = { name: 'stopped' };
      if (err instanceof Interrupted && stopping.signal.aborted) return;
      state = { name: 'stopped', why: asError(err).message };
      log.error({ err }, 'the relay stopped by itself');
      failure.resolve(asError(err));
    } finally {
      await target.close();
    }
  }

  const running = run();
  return {
    failed: failure.promise,
    async lag() {
      if (state.name !== 'working') return 0;
      const { position } = state;
      const head = await store.head();
      return head > position ? Number(head - position) : 0;
    },
    state: () => state,
    waitsFor() {
      if (state.name === 'stopped') return `the relay has stopped: ${state.why ?? 'it was told to'}`;
      if (state.trouble !== undefined) return `the relay tries again: ${state.trouble}`;
      if (state.name === 'working' && !state.caughtUp) return 'the relay has not caught up';
      return target.waitsFor();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
