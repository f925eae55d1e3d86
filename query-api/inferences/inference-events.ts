// What happens to one inference, as it happens: tokens from the live channel, then its end from the log.

import { inferenceChannel, type InferenceMessage } from '#events/live.ts';
import type { LiveChannel, LiveMessage } from '#platform/live-channel/live-channel.ts';
import { atMost } from '#platform/patience/within.ts';

const LOOK_AGAIN_MS = 1_000;
/** How long tokens may be behind the log. */
const LAST_TOKENS_MS = 250;

export interface InferenceEvent {
  /** The live channel's sequence; a reader that comes back sends the last it saw. */
  readonly id?: number;
  readonly event: string;
  readonly data: unknown;
}

interface Viewed {
  readonly status: string;
  readonly completedAt: string | null;
}

export interface InferenceEventsOptions<View extends Viewed> {
  readonly inferenceId: string;
  readonly live: LiveChannel;
  /** The inference as it stands; reads the log, not a projection. */
  readonly look: () => Promise<View>;
  /** Messages up to this sequence have been seen already. */
  readonly after: number | undefined;
  readonly signal: AbortSignal;
}

const ENDED = new Set(['completed', 'failed', 'cancelled']);

/** `status` with the inference, `token`s as they come, and last `end` with the inference. */
export async function* inferenceEvents<View extends Viewed>(
  options: InferenceEventsOptions<View>,
): AsyncGenerator<InferenceEvent> {
  const { inferenceId, live, look, signal } = options;
  const channel = inferenceChannel(inferenceId);
  const waiting: LiveMessage[] = [];
  let rouse = () => {};
  const unsubscribe = live.subscribe(channel, (message) => {
    waiting.push(message);
    rouse();
  });
  /** Until a message comes, or it is time to look whether one was lost. */
  const messageOrLater = (laterMs: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    rouse = resolve;
    return atMost(laterMs, promise, signal);
  };
  let seen = options.after ?? -1;
  let toldEnded = false;
  try {
    waiting.unshift(...(await live.recent(channel, options.after)));
    let view = await look();
    yield { event: 'status', data: view };
    while (!signal.aborted) {
      for (const { sequence, value } of waiting.splice(0)) {
        const message = value as InferenceMessage;
        if (message.type === 'ended') toldEnded = true;
        else if (sequence > seen) {
          seen = sequence;
          if (message.type === 'token') yield { id: sequence, event: 'token', data: { text: message.text } };
          else if (!ENDED.has(view.status))
            yield { id: sequence, event: 'status', data: { ...view, status: 'running' } };
        }
      }
      if (toldEnded && !ENDED.has(view.status)) view = await look();
      if (waiting.length > 0) continue;
      if (ENDED.has(view.status)) {
        // The log may tell the end before the last tokens have come; what is said of it comes after them.
        if (!toldEnded && endedLately(view)) {
          await messageOrLater(LAST_TOKENS_MS);
          if (waiting.length > 0) continue;
        }
        yield { event: 'end', data: view };
        return;
      }
      await messageOrLater(LOOK_AGAIN_MS);
      if (waiting.length === 0 && !signal.aborted) view = await look();
    }
  } finally {
    unsubscribe();
  }
}

const endedLately = ({ completedAt }: Viewed) =>
  completedAt !== null && Date.now() - Date.parse(completedAt) < LOOK_AGAIN_MS;
