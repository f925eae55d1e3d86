import type { MessagePort } from 'node:worker_threads';
import type { Config } from '../config.ts';
import type { EventLanguage } from '../event-language.ts';
import type { Log } from '../logging/log.ts';

/** A port that was opened, and what goes with it. */
export interface Opened<Port> {
  readonly port: Port;
  /** Of an engine in a server of its own: rejects with a sentence when it cannot be used now. */
  readonly health?: () => Promise<void>;
  /** Resolves with the reason when the engine can never be used again: the process, or the thread, should end. */
  readonly failed?: Promise<Error>;
  /** Of an engine that lives in this thread: makes what one more thread reaches it by. */
  readonly connect?: () => MessagePort;
  readonly close: () => Promise<void>;
}

/** What each thread besides the main one reaches the embedded engines by that live there; transfer the ports with it. */
export interface ThreadWiring {
  readonly 'event store'?: MessagePort;
  readonly 'live channel'?: MessagePort;
}

/** What every choice of an adapter is given. */
export interface AdapterOptions {
  readonly config: Config;
  readonly events: EventLanguage;
  readonly log: Log;
  /** Ends the waiting for servers. */
  readonly signal?: AbortSignal;
  /** Left out on the main thread, which has requests to answer: slow work goes to threads there. */
  readonly thread?: ThreadWiring;
}

/** A port that closes itself, and may tell its health. */
export const opened = <Port extends { close(): Promise<void>; health?(): Promise<void> }>(
  port: Port,
): Opened<Port> => ({
  port,
  ...(port.health && { health: () => port.health?.() ?? Promise.resolve() }),
  close: () => port.close(),
});
