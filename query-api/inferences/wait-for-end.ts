// Long-polling: woken by the live channel when the result is appended; since a wake-up may be lost, it also looks by itself.

import { inferenceChannel, type InferenceMessage } from '#events/live.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { createBell } from '#platform/patience/bell.ts';

/** How long a lost wake-up can cost. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Looks at least once, until `look` answers true, the time is over, or the signal aborts. Answers whether it was true.
 * `look` is told whether the end has just been said to be in the log.
 */
export async function waitForEnd(
  inferenceId: string,
  live: Pick<LiveChannel, 'subscribe'>,
  look: (isSaid: boolean) => Promise<boolean>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  const bell = createBell();
  let isSaid = false;
  const unsubscribe = live.subscribe(inferenceChannel(inferenceId), ({ value }) => {
    if ((value as InferenceMessage).type !== 'ended') return;
    isSaid = true;
    bell.ring();
  });
  signal.addEventListener('abort', bell.ring, { once: true });
  try {
    for (;;) {
      if (await look(isSaid)) return true;
      const left = deadline - performance.now();
      if (left <= 0 || signal.aborted) return false;
      await bell.wait(Math.min(left, LOOK_AGAIN_MS));
    }
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', bell.ring);
  }
}
