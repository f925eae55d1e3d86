import type { LastingAdmin } from '../kafka/lasting-admin.ts';
import type { Log } from '../logging/log.ts';
import { nameOf, type AssignedPlace } from './kafka-assignment.ts';
import { fetchEnds } from './kafka-places.ts';

/** Milliseconds. */
const STALLED_AFTER = 30_000;
const LOOK_EVERY = 10_000;

export interface StallWatchOptions {
  /** Those in which something could come now; empty while this member is busy. */
  readonly places: () => readonly AssignedPlace[];
  readonly admin: LastingAdmin;
  readonly log: Log;
  readonly onStall: (reason: Error) => void;
  readonly stalledAfterMs?: number;
  readonly lookEveryMs?: number;
}

/** kafkajs can stand still with records to fetch and find nothing amiss (#659): compares what is there with what came. */
export function startStallWatch(options: StallWatchOptions): { stop(): void } {
  const { admin, log, stalledAfterMs = STALLED_AFTER, lookEveryMs = LOOK_EVERY } = options;
  const isIdle = ({ lost, movedAt }: AssignedPlace) => !lost && performance.now() - movedAt > stalledAfterMs;

  async function look(): Promise<void> {
    const idle = options.places().filter(isIdle);
    for (const physical of new Set(idle.map((place) => place.physical))) {
      const ends = await admin.use((admin) => fetchEnds(admin, physical));
      const stalled = options
        .places()
        .filter(isIdle)
        .find((one) => one.physical === physical && (ends.get(one.partition)?.end ?? 0n) > one.progress.next);
      if (!stalled) continue;
      for (const place of options.places()) place.movedAt = performance.now();
      options.onStall(new Error(`records of ${nameOf(stalled)} are there, and do not come`));
      return;
    }
  }

  const timer = setInterval(() => {
    look().catch((err: unknown) => log.debug({ err }, 'whether a consumer stands still could not be seen'));
  }, lookEveryMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
