// What happens to one inference, as it happens: tokens from the live channel, then its end from the log.

import { inferenceChannel, type InferenceMessage } from '#events/live.ts';
import type { LiveChannel, LiveMessage } from '#platform/live-channel/live-channel.ts';

const LOOK_AGAIN_MS = 1_000;

export interface InferenceEvent {
  /** The live channel's sequence; a reader that comes back sends the last it saw. */
  readonly id?: number;
  readonly event: string;
  readonly data: unknown;
}

export interface InferenceEventsOptions<View extends { readonly status: string }> {
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
export async function* inferenceEvents<View extends { readonly status: string }>(
  options: InferenceEventsOptions<View>,
): AsyncGenerator<InferenceEvent> {
  const { inferenceId, live, look, signal } = options;
  const channel = inferenceChannel(inferenceId);
  const waiting: LiveMessage[] = [];
  let wake: (() => void) | undefined;
  const rouse = () => wake?.();
  const unsubscribe = live.subscribe(channel, (message) => {
    waiting.push(message);
    rouse();
  });
  signal.addEventListener('abort', rouse, { once: true });
  let seen = options.after ?? -1;
  try {
    waiting.unshift(...(await live.recent(channel, options.after)));
    let view = await look();
    yield { event: 'status', data: view };
    while (!signal.aborted) {
      let ended = ENDED.has(view.status);
      for (const { sequence, value } of waiting.splice(0)) {
        const message = value as InferenceMessage;
        if (message.type === 'ended') ended = true;
        else if (sequence > seen) {
          seen = sequence;
          if (message.type === 'started') view = await look();
          yield message.type === 'token'
            ? { id: sequence, event: 'token', data: { text: message.text } }
            : { id: sequence, event: 'status', data: view };
        }
      }
      if (ended) view = await look();
      if (ENDED.has(view.status)) {
        yield { event: 'end', data: view };
        return;
      }
      if (waiting.length === 0 && !signal.aborted) {
        await rousedOrLater((resolve) => (wake = resolve));
        if (waiting.length === 0) view = await look();
      }
    }
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', rouse);
  }
}

/** Resolves when the given resolver is called, or when it is time to look whether a message was lost. */
async function rousedOrLater(arm: (resolve: () => void) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    arm(resolve);
    timer = setTimeout(resolve, LOOK_AGAIN_MS);
  });
  clearTimeout(timer);
}
