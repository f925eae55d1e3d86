// Runs where several workers share the requests: each is claimed by a worker, by name, before it begins. A request that
// comes to a second worker (its partition moved) waits while the first lives, and counts as another attempt when it died.
// A worker lives as long as its beat goes on, by the clock of whoever asks.

import { setTimeout as sleep } from 'node:timers/promises';
import { persist } from '#platform/patience/persist.ts';
import type { Log } from '#platform/logging/log.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { type Attempts, type LastRun, runKey } from './attempts.ts';

/** Milliseconds. */
const BEAT_EVERY = 1_000;
const DEAD_AFTER = 5_000;
const LOOK_AGAIN = 500;
/** How long a beat is kept after its worker stopped. */
const BEAT_KEPT = 60_000;

interface Claim {
  readonly worker: string;
  readonly attempt: number;
}

export interface ClaimedAttemptsOptions {
  readonly readStore: Pick<ReadStore, 'get' | 'put' | 'remove' | 'apply'>;
  /** This worker's id; a process that is started again has another. */
  readonly worker: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

const beatKey = (worker: string) => `inference-worker:${worker}`;

/** Rejects with `Interrupted` once the signal aborts. */
export async function openClaimedAttempts(options: ClaimedAttemptsOptions): Promise<Attempts> {
  const { readStore, worker, log, signal, now = () => performance.now() } = options;
  const patiently = <T>(work: () => Promise<T>) =>
    persist(work, signal, (err, attempt) => {
      log.warn({ err, attempt }, 'the claims of inference workers cannot be reached, trying again');
    });
  /** Of other workers: the beat last seen and since when it stands. */
  const seen = new Map<string, { readonly beat: number; readonly since: number }>();

  let beat = 0;
  const beatOnce = () => {
    beat++;
    const expiresAt = Date.now() + BEAT_KEPT;
    return readStore.apply([{ key: beatKey(worker), revision: beat, value: { beat }, expiresAt }]);
  };
  await patiently(beatOnce);
  const beating = setInterval(() => {
    beatOnce().catch((err: unknown) => log.warn({ err }, 'the beat of this worker could not be written'));
  }, BEAT_EVERY);

  async function lives(other: string): Promise<boolean> {
    const [document] = await patiently(() => readStore.get([beatKey(other)]));
    if (!document) return false;
    const before = seen.get(other);
    if (before?.beat === document.revision) return now() - before.since < DEAD_AFTER;
    seen.set(other, { beat: document.revision, since: now() });
    return true;
  }

  async function claimOf(inferenceId: string): Promise<Claim | undefined> {
    const [document] = await patiently(() => readStore.get([runKey(inferenceId)]));
    return document?.value as Claim | undefined;
  }

  /** undefined while another worker is at it. */
  async function lastOf(inferenceId: string): Promise<number | undefined> {
    const claim = await claimOf(inferenceId);
    if (!claim) return 0;
    return claim.worker === worker || !(await lives(claim.worker)) ? claim.attempt : undefined;
  }

  async function waitFor(inferenceId: string): Promise<number> {
    for (;;) {
      await sleep(LOOK_AGAIN, undefined, { signal });
      const attempt = await lastOf(inferenceId);
      if (attempt !== undefined) return attempt;
    }
  }

  return {
    recordsAll: true,
    async last(inferenceId): Promise<LastRun> {
      const attempt = await lastOf(inferenceId);
      return attempt === undefined ? { later: waitFor(inferenceId) } : { attempt };
    },
    record: (inferenceId, attempt) => {
      const claim: Claim = { worker, attempt };
      return patiently(() =>
        attempt > 0 ? readStore.put(runKey(inferenceId), claim) : readStore.remove(runKey(inferenceId)),
      );
    },
    forget: (inferenceId) =>
      void readStore.remove(runKey(inferenceId)).catch((err: unknown) => {
        log.warn({ err, inferenceId }, 'could not remove the claim of a request that has ended');
      }),
    close() {
      clearInterval(beating);
      return Promise.resolve();
    },
  };
}
