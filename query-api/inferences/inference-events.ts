// What happens to one inference, as it happens: tokens from the live channel, then its end from the log.

import { inferenceChannel, type InferenceMessage } from '#events/live.ts';
import { ClientTooSlow, type ServerEvent } from '#platform/http/sse.ts';
import type { LiveChannel, LiveMessage } from '#platform/live-channel/live-channel.ts';
import { atMost } from '#platform/patience/within.ts';

const LOOK_AGAIN_MS = 1_000;
/** How long tokens may be behind the log. */
const LAST_TOKENS_MS = 250;

/** Messages that a reader may be behind; what is kept for one who comes back is less. */
const MOST_BEHIND = 5_000;

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

/**
 * `status` with the inference, `token`s as they come, and last `end` with the inference: each time all that have come since
 * the last. An event's id is the live channel's sequence; a reader that comes back sends the last it saw. Fails with
 * `ClientTooSlow` for one that asks too seldom.
 */
export async function* inferenceEvents<View extends Viewed>(
  options: InferenceEventsOptions<View>,
): AsyncGenerator<readonly ServerEvent[]> {
  const { inferenceId, live, look, signal } = options;
  const channel = inferenceChannel(inferenceId);
  const waiting: LiveMessage[] = [];
  let rouse = () => {};
  let isLost = false;
  const unsubscribe = live.subscribe(channel, (message) => {
    if (waiting.length < MOST_BEHIND) waiting.push(message);
    else isLost = true;
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
    yield [{ event: 'status', data: view }];
    while (!signal.aborted) {
      if (isLost) throw new ClientTooSlow(`a client was ${MOST_BEHIND} messages behind`);
      const events: ServerEvent[] = [];
      for (const live of waiting.splice(0)) {
        const { sequence } = live;
        const message = live.value as InferenceMessage;
        if (message.type === 'ended') toldEnded = true;
        else if (sequence > seen) {
          seen = sequence;
          if (message.type === 'token') events.push(tokenEventOf(live, message.text));
          else if (!ENDED.has(view.status))
            events.push({ id: String(sequence), event: 'status', data: { ...view, status: 'running' } });
        }
      }
      if (events.length > 0) yield events;
      if (toldEnded && !ENDED.has(view.status)) view = await look();
      if (waiting.length > 0) continue;
      if (ENDED.has(view.status)) {
        // The log may tell the end before the last tokens have come; what is said of it comes after them.
        if (!toldEnded && endedLately(view)) {
          await messageOrLater(LAST_TOKENS_MS);
          if (waiting.length > 0) continue;
        }
        yield [{ event: 'end', data: view }];
        return;
      }
      await messageOrLater(LOOK_AGAIN_MS);
      if (waiting.length === 0 && !signal.aborted) view = await look();
    }
  } finally {
    unsubscribe();
  }
}

/** One for all readers of a message. */
const tokenEvents = new WeakMap<LiveMessage, ServerEvent>();

function tokenEventOf(message: LiveMessage, text: string): ServerEvent {
  const known = tokenEvents.get(message);
  if (known !== undefined) return known;
  const event = { id: String(message.sequence), event: 'token', data: { text } };
  tokenEvents.set(message, event);
  return event;
}

const endedLately = ({ completedAt }: Viewed) =>
  completedAt !== null && Date.now() - Date.parse(completedAt) < LOOK_AGAIN_MS;
