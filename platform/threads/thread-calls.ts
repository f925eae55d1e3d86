// Calls from one thread to another over a MessagePort. What is asked within one round of the event loop travels as one
// message, and so do the answers: at thousands of calls a second the messages, not the calls, are what costs.

import type { MessagePort, Transferable } from 'node:worker_threads';
import { asError, transientError } from '../errors.ts';

// A message is one flat array, three places a call or reply: cloning an object a call costs twice as much. For the same
// reason callers on a hot path give flat arrays as input.
type Call = readonly [id: number, method: string, input: unknown];
/** Id 0 answers no call: it is a notice. */
type Reply = readonly [id: number, output: unknown, error: ThrownHere | undefined];

function* triples<T extends Call | Reply>(message: readonly unknown[]): Iterable<T> {
  for (let at = 0; at < message.length; at += 3) yield message.slice(at, at + 3) as unknown as T;
}

/** An error as it crosses threads: its fields survive, its class does not. */
export interface ThrownHere {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Port = Pick<MessagePort, 'postMessage' | 'on' | 'close' | 'ref' | 'unref'>;

/** Collects what one round of the event loop produces and posts it once. */
function outbox(port: Port) {
  let waiting: unknown[] = [];
  let transfer: Transferable[] = [];
  const flush = () => {
    const [items, moved] = [waiting, transfer];
    waiting = [];
    transfer = [];
    port.postMessage(items, moved);
  };
  return (item: Call | Reply, moved: readonly Transferable[] = []) => {
    if (waiting.length === 0) setImmediate(flush);
    waiting.push(...item);
    transfer.push(...moved);
  };
}

function thrown(error: unknown): ThrownHere {
  const { name, message, stack, ...fields } = asError(error);
  return { name, message, stack, fields: { ...fields } };
}

export class ThreadEnded extends transientError('thread-ended') {}

export interface ThreadCaller {
  /** Rejects with what `revive` makes of the other side's error, or `ThreadEnded`. */
  call(method: string, input: unknown, transfer?: readonly Transferable[]): Promise<unknown>;
  /** Rejects all that is under way; call it when the other thread ends. */
  end(): void;
}

/**
 * `revive` makes an error that crossed back into its class; by default it becomes a plain Error with the same fields.
 * `notice` gets what the other side tells unasked, in order with its answers.
 */
export function createThreadCaller(
  port: Port,
  revive: (error: ThrownHere) => Error = plainError,
  notice: (value: unknown) => void = () => {},
): ThreadCaller {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const post = outbox(port);
  let last = 0;
  let ended = false;
  const settle = ([id, output, error]: Reply) => {
    if (id === 0) return notice(output);
    const waiter = pending.get(id);
    pending.delete(id);
    if (error) waiter?.reject(revive(error));
    else waiter?.resolve(output);
    if (pending.size === 0) port.unref();
  };
  port.on('message', (replies: unknown[]) => {
    for (const reply of triples<Reply>(replies)) settle(reply);
  });
  const end = () => {
    ended = true;
    for (const { reject } of pending.values()) reject(new ThreadEnded('the thread ended before it answered'));
    pending.clear();
  };
  port.on('close', end);
  port.unref();
  return {
    call(method, input, transfer) {
      if (ended) return Promise.reject(new ThreadEnded('the thread has ended'));
      return new Promise((resolve, reject) => {
        const id = ++last;
        pending.set(id, { resolve, reject });
        port.ref();
        post([id, method, input], transfer);
      });
    },
    end,
  };
}

export function plainError({ name, message, stack, fields }: ThrownHere): Error {
  const error = Object.assign(new Error(message), fields);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

export type CallHandlers = Readonly<Record<string, (input: never) => unknown>>;

export interface ThreadServer {
  /** Tells the caller something unasked; it travels with the answers of the same round. */
  notify(value: unknown): void;
}

/** Answers the calls that come over a port. Handlers may be synchronous or not; what they throw goes back. */
export function serveThreadCalls(port: Port, handlers: CallHandlers): ThreadServer {
  const post = outbox(port);
  const answer = async ([id, method, input]: Call) => {
    try {
      const handler = handlers[method];
      if (!handler) throw new TypeError(`no such call: ${method}`);
      post([id, await handler(input as never), undefined]);
    } catch (error) {
      post([id, undefined, thrown(error)]);
    }
  };
  port.on('message', (calls: unknown[]) => {
    for (const call of triples<Call>(calls)) void answer(call);
  });
  return { notify: (value) => post([0, value, undefined]) };
}
