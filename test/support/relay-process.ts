// A relay as a process of its own. Its argument is a RelayProcessOptions as JSON; each line of its output is a
// RelayProcessLine. SIGTERM stops it.

import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedEvent } from '#events/envelope.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import type { RelayState } from '../../workers/relay/start.ts';
import { startRelay } from '../../workers/relay/start.ts';
import { openRelayTarget, type RelayServers } from './relay-kafka.ts';
import { relayPartitionOf, relayTopicOf } from './relay-language.ts';

export interface RelayProcessOptions {
  readonly servers: RelayServers;
  readonly namespace: string;
  /** Of the SQLite event store. */
  readonly folder: string;
}

export type RelayProcessLine =
  | { readonly state: RelayState['name'] }
  /** The position that was just committed. */
  | { readonly relayed: string }
  | { readonly failed: string }
  | { readonly said: string };

const { servers, namespace, folder } = JSON.parse(process.argv[2] ?? '{}') as RelayProcessOptions;
const print = (line: RelayProcessLine) => writeSync(1, `${JSON.stringify(line)}\n`);
const say = (fields: object, message: string) => {
  const { err } = fields as { readonly err?: unknown };
  print({ said: err instanceof Error ? `${message}: ${err.message}` : message });
};
const log = { debug: () => undefined, info: say, warn: say, error: say };

const store = await openSqliteEventStore({ folder });

/** The store looks every 250 ms for what another process has appended: too seldom to have transactions all the time. */
async function* subscribeAll(after: bigint, signal: AbortSignal): AsyncGenerator<readonly RecordedEvent[]> {
  for (let from = after; !signal.aborted;) {
    const events = await store.readAll(from, 1_000);
    from = events.at(-1)?.position ?? from;
    if (events.length > 0) yield events;
    else await sleep(5);
  }
}

const relay = startRelay({
  store: { generation: store.generation, head: () => store.head(), subscribeAll },
  target: openRelayTarget(servers, namespace, store.generation, log),
  topicOf: relayTopicOf,
  partitionOf: relayPartitionOf,
  log,
  observe: { relayed: (_events, _milliseconds, position) => print({ relayed: String(position) }) },
});
void relay.failed.then((error) => print({ failed: error.message }));

let last: RelayState['name'] | undefined;
const watching = setInterval(() => {
  const { name } = relay.state();
  if (name !== last) print({ state: name });
  last = name;
}, 20);

async function stop(): Promise<void> {
  await relay.stop();
  clearInterval(watching);
  await store.close();
}

process.once('SIGTERM', () => void stop());
