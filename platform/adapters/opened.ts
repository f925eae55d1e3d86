import type { EventStore } from '../event-store/event-store.ts';
import type { EventLanguage } from '../event-language.ts';
import type { Config } from '../config.ts';
import type { Log } from '../logging/log.ts';

/** A port that was opened, and what goes with it. */
export interface Opened<Port> {
  readonly port: Port;
  /** Of an engine in a server of its own: rejects with a sentence when it cannot be used now. */
  readonly health?: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What every choice of an adapter is given. */
export interface AdapterOptions {
  readonly config: Config;
  readonly events: EventLanguage;
  readonly log: Log;
  /** Ends the waiting for servers. */
  readonly signal?: AbortSignal;
}

export type LogStore = EventStore & { readonly failed: Promise<Error> };

/** A port that closes itself, and may tell its health. */
export const opened = <Port extends { close(): Promise<void>; health?(): Promise<void> }>(
  port: Port,
): Opened<Port> => ({
  port,
  ...(port.health && { health: () => port.health?.() ?? Promise.resolve() }),
  close: () => port.close(),
});
