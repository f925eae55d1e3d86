import type { ServerResponse } from 'node:http';

/** One for all: to make it with its stack is a good part of what a small request costs. */
const GONE = new DOMException('The client has left, or the server stops.', 'AbortError');

const controllers = new WeakMap<ServerResponse, AbortController>();
const stopped = new WeakSet<ServerResponse>();

/**
 * Aborts when the client leaves before it has the whole answer, or when the server begins to stop: who waits or streams
 * then answers with what there is. Made only for those who ask, since most requests are over before anyone could leave.
 */
export function clientSignal(res: ServerResponse): AbortSignal {
  const known = controllers.get(res);
  if (known !== undefined) return known.signal;
  const controller = new AbortController();
  controllers.set(res, controller);
  if (res.destroyed || stopped.has(res)) controller.abort(GONE);
  res.once('close', () => controller.abort(GONE));
  return controller.signal;
}

/** Nobody is to wait any longer with this answer, neither who waits already nor who would begin to. */
export function stopWaiting(res: ServerResponse): void {
  stopped.add(res);
  controllers.get(res)?.abort(GONE);
}
