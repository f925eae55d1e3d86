import type { ServerResponse } from 'node:http';

/** Emitted on a running response that is to come to its end: the server stops, or its client sends no more; see serve.ts. */
export const STOPPING = 'defter:stopping';

/** One for all: to make it with its stack is a good part of what a small request costs. */
const GONE = new DOMException('The client has left, or the server stops.', 'AbortError');

const signals = new WeakMap<ServerResponse, AbortSignal>();

/**
 * Aborts when the client leaves before it has the whole answer, or when the server begins to stop: who waits or streams
 * then answers with what there is. Made only for those who ask, since most requests are over before anyone could leave.
 */
export function clientSignal(res: ServerResponse): AbortSignal {
  const known = signals.get(res);
  if (known !== undefined) return known;
  const controller = new AbortController();
  signals.set(res, controller.signal);
  if (res.destroyed) controller.abort(GONE);
  res.once('close', () => controller.abort(GONE));
  res.once(STOPPING, () => controller.abort(GONE));
  return controller.signal;
}
