// Relays as processes over one log, under a load that goes on all the while: started, watched, killed, frozen; and in the
// end the history to be judged by check-relayed.ts.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import { seededRandom } from '#platform/bus/adversarial-order.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { checkRelayed } from './check-relayed.ts';
import { eventually } from './eventually.ts';
import { migrateRelay, newRelayNamespace, readRelayed, type RelayServers, removeRelay } from './relay-kafka.ts';
import { countedEvent, relayPartitionOf, relayTopicOf } from './relay-language.ts';
import type { RelayProcessLine, RelayProcessOptions } from './relay-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

const program = fileURLToPath(new URL('./relay-process.ts', import.meta.url));

export interface RelayProcess {
  readonly name: string;
  isAlive(): boolean;
  state(): string;
  /** When it committed last, by performance.now. */
  relayedAt(): number;
  /** The checkpoints that it was told are committed. */
  readonly committed: readonly bigint[];
  /** What it told of itself. */
  readonly said: readonly string[];
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Resolves when it has ended. */
  end(name: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface RelayRun {
  start(): RelayProcess;
  /** Those alive. */
  relays(): readonly RelayProcess[];
  /** The one at work, once there is exactly one, and all others wait. */
  worker(withinMs?: number): Promise<RelayProcess>;
  /** Milliseconds from `since` until one of these relays has committed anything. */
  goesOn(relays: () => readonly RelayProcess[], since: number, withinMs: number): Promise<number>;
  /** Ends the load, waits until all of the log is in Kafka, and answers what violates I3. */
  judge(): Promise<{ readonly violations: readonly string[]; readonly events: number; readonly checkpoints: number }>;
  close(): Promise<void>;
}

const STREAMS = 40;

/** `perSecond` appends of one to three events each, to streams chosen by `seed`. */
export async function openRelayRun(options: {
  readonly servers: RelayServers;
  readonly seed: number;
  readonly perSecond: number;
}): Promise<RelayRun> {
  const { servers, seed, perSecond } = options;
  const namespace = newRelayNamespace();
  const folder = await temporaryFolder();
  await migrateRelay(servers, namespace);
  const store = await openSqliteEventStore({ folder: folder.path });
  const load = startLoad(store, seed, perSecond);
  const started: RelayProcess[] = [];
  const relays = () => started.filter((relay) => relay.isAlive());
  const run: RelayRun = {
    start() {
      const relay = startProcess(`relay ${started.length + 1}`, { servers, namespace, folder: folder.path });
      started.push(relay);
      return relay;
    },
    relays,
    async worker(withinMs = 20_000) {
      await eventually(() => {
        const states = relays().map((relay) => relay.state());
        expect(states.filter((state) => state === 'working')).to.have.length(1);
        expect(states.filter((state) => state === 'waiting')).to.have.length(states.length - 1);
      }, withinMs);
      return relays().find((relay) => relay.state() === 'working') as RelayProcess;
    },
    async goesOn(which, since, withinMs) {
      await eventually(() => {
        const at = Math.max(...which().map((relay) => relay.relayedAt()));
        expect(at, saidBy(started)).to.be.above(since);
      }, withinMs);
      return performance.now() - since;
    },
    async judge() {
      await load.stop();
      const log = await wholeLog(store);
      const head = await store.head();
      const history = async () => {
        const { records, checkpoints } = await readRelayed(servers, namespace);
        const checkpoint = checkpoints.at(-1)?.position ?? 0n;
        return { log, records, topicOf: relayTopicOf, partitionOf: relayPartitionOf, checkpoint, checkpoints };
      };
      await eventually(async () => {
        expect((await history()).checkpoint, saidBy(started)).to.equal(head);
      }, 30_000);
      const last = await history();
      const kept = new Set(last.checkpoints.map(({ position }) => position));
      const missing = started.flatMap(({ name, committed }) =>
        committed.filter((position) => !kept.has(position)).map((at) => `${name} was told that ${at} is committed`),
      );
      const violations = [...checkRelayed(last), ...missing];
      return { violations, events: log.length, checkpoints: last.checkpoints.length };
    },
    async close() {
      await load.stop();
      for (const relay of relays()) relay.signal('SIGCONT');
      await Promise.all(relays().map((relay) => relay.end('SIGKILL')));
      await store.close();
      await folder.remove();
      await removeRelay(servers, namespace);
    },
  };
  return run;
}

const saidBy = (relays: readonly RelayProcess[]) =>
  relays.map(({ name, said }) => `${name}: ${said.slice(-5).join(' | ')}`).join('\n');

function startProcess(name: string, options: RelayProcessOptions): RelayProcess {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const killWithUs = () => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  void ended.then(() => process.off('exit', killWithUs));
  const said: string[] = [];
  const committed: bigint[] = [];
  let state = 'starting';
  let relayedAt = -Infinity;
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parse(text);
    if (!line) return;
    if ('state' in line) state = line.state;
    else if ('relayed' in line) {
      relayedAt = performance.now();
      committed.push(BigInt(line.relayed));
    } else said.push('failed' in line ? `failed: ${line.failed}` : line.said);
  });
  return {
    name,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    state: () => state,
    relayedAt: () => relayedAt,
    committed,
    said,
    signal: (signal) => void child.kill(signal),
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** The last line of a killed process may be cut. */
function parse(text: string): RelayProcessLine | undefined {
  try {
    return JSON.parse(text) as RelayProcessLine;
  } catch {
    return undefined;
  }
}

function startLoad(store: EventStore, seed: number, perSecond: number) {
  const random = seededRandom(seed);
  const stopping = new AbortController();
  async function append(): Promise<void> {
    for (let number = 0; !stopping.signal.aborted;) {
      const stream = `${random() < 0.5 ? 'alpha' : 'beta'}-${Math.floor(random() * STREAMS)}`;
      const count = 1 + Math.floor(random() * 3);
      const text = 'x'.repeat(Math.floor(random() * 400));
      await store.append(
        stream,
        Array.from({ length: count }, () => countedEvent(number++, text)),
        'any',
      );
      await sleep(1_000 / perSecond);
    }
  }
  const running = append();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function wholeLog(store: EventStore): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const page = await store.readAll(events.at(-1)?.position ?? 0n, 1_000);
    if (page.length === 0) return events;
    events.push(...page);
  }
}
