// How long a full rebuild of each read model takes: from the request to the switch, the comparison with the live version
// included, one after the other on one thread.
// Run: node bench/rebuild.ts [events]                                          embedded
//      npm run services -- node bench/rebuild.ts [events] --on-servers         EventStoreDB's stand-in, Redis, Elasticsearch

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topicOf } from '#events/aggregates.ts';
import { type Origin, createEvent } from '#events/create-event.ts';
import { inferences } from '#events/inference.ts';
import { projections } from '#events/projection.ts';
import { createBlobs } from '#platform/blobs/blobs.ts';
import { openFolderBlobStore } from '#platform/blobs/folder-blob-store.ts';
import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import { createContents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import type { Log } from '#platform/logging/log.ts';
import { newId } from '#platform/new-id.ts';
import { sayVersionsChanged } from '#platform/projection/version-directory.ts';
import { versionIndex } from '#platform/projection/versions.ts';
import { openSqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';
import { openSqliteSearchIndex } from '#platform/search-index/sqlite-search-index.ts';
import { openKeyring } from '#platform/vault/keyring.ts';
import { openSqliteVault } from '#platform/vault/sqlite-vault.ts';
import { decideRebuild } from '../command-api/operations/decide.ts';
import { readModelsOf } from '../projectors/read-models.ts';
import { startProjectors } from '../projectors/start.ts';
import { serviceEnvironment } from '../test/services/describe-on.ts';
import { openStandInLog, type StandInLog } from '../test/services/eventstore/log.ts';
import { startEventStoreStandIn } from '../test/services/eventstore/recipe.ts';
import { configOf, openStores } from '../test/support/history-collect-servers.ts';

const events = Number(process.argv[2] ?? 1_000_000);
const isOnServers = process.argv.includes('--on-servers');
const readModels = readModelsOf({ eventStoreUrl: isOnServers ? 'a server' : undefined });
const TENANT = 'bench';
const AT_ONCE = 1_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (level: string) => (fields: object, message: string) => {
  console.log(
    level,
    message,
    JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.stack : value)),
  );
};
const log: Log = { debug: () => {}, info: () => {}, warn: say('warn'), error: say('error') };

const folder = await mkdtemp(join(tmpdir(), 'defter-bench-'));
const vault = openSqliteVault(join(folder, 'vault.sqlite'));
const masterKey = randomBytes(32);
const keyring = await openKeyring({ vault, masterKey });
const blobStore = await openFolderBlobStore(join(folder, 'blobs'));
const contents = createContents({ keyring, blobs: createBlobs({ store: blobStore, keyring }) });
const live = openLiveHub({ log });

async function openEmbedded() {
  const [readStore, searchIndex] = await Promise.all([
    openSqliteReadStore({ folder, writes: 'here' }),
    openSqliteSearchIndex({ folder, reads: 'here' }),
  ]);
  const store = await openSqliteEventStore({ folder });
  return {
    store,
    readStore,
    searchIndex,
    async close() {
      await searchIndex.close();
      await readStore.close();
      await store.close();
    },
  };
}

/** The log is there when the event store starts. */
async function openOnServers() {
  const eventStore = await startEventStoreStandIn(folder);
  const servers = { ...serviceEnvironment(['redis', 'elasticsearch']), ...eventStore.environment };
  const env = {
    ...servers,
    DATA_DIR: folder,
    MASTER_KEY: masterKey.toString('hex'),
    NAMESPACE: `bench-${randomBytes(6).toString('hex')}`,
  };
  const stores = await openStores(configOf(env));
  const { store, readStore, searchIndex } = stores;
  return {
    store,
    readStore,
    searchIndex,
    async close() {
      while ((await readStore.drop('', 10_000)) > 0) await sleep(0);
      for (const { name, kind } of readModels)
        if (kind !== 'document') for (const version of [1, 2]) await searchIndex.drop(versionIndex(name, version));
      await stores.close();
      await eventStore.stop();
    },
  };
}

const origin = (): Origin => ({
  eventId: newId(),
  commandId: newId(),
  tenantId: TENANT,
  actor: { kind: 'api-key', id: 'bench' },
  correlationId: newId(),
});

async function fill(store: Pick<StandInLog, 'append'>): Promise<void> {
  await keyring.createSubject(TENANT);
  const words = Array.from({ length: 5_000 }, (_, n) => ((n * 2_654_435_761) % 4_294_967_296).toString(36));
  const text = (n: number) =>
    Array.from({ length: 30 }, (_, w) => words[(n * 31 + w * w * 977) % words.length]).join(' ');
  const sealed = await Promise.all(Array.from({ length: 500 }, (_, n) => contents.seal(TENANT, text(n))));
  for (let n = 0; n < events / 2; n += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, events / 2 - n) }, (_, at) => {
        const [input, output] = [sealed[(n + at) % 500]!, sealed[(n + at + 1) % 500]!];
        const common = { model: 'language-id', modelOwner: 'platform', form: 'input', parameters: {} } as const;
        const requested = { ...common, input, deadline: Date.now() + 60_000 };
        const usage = {
          inputTokens: 30,
          outputTokens: 30,
          cache: 'bypass',
          startedAt: Date.now(),
          attempt: 1,
        } as const;
        const pair = [
          createEvent('InferenceRequested', requested, origin()),
          createEvent('InferenceCompleted', { ...usage, output }, origin()),
        ];
        return store.append(inferences.stream(newId()), pair, 'no_stream');
      }),
    );
  }
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  const rate = Math.round(events / seconds).toLocaleString('en');
  console.log(`${what.padEnd(44)} ${seconds.toFixed(1).padStart(8)} s ${rate.padStart(9)} events/s`);
}

const stateOf = async (store: EventStore, name: string) =>
  (await readWholeStream(store, projections.stream(name))).reduce(projections.evolve, projections.initial);

async function rebuild(store: EventStore, name: string): Promise<void> {
  const { state } = await handleCommand({
    store,
    stream: projections.stream(name),
    decider: projections,
    decide: (before) => decideRebuild({ onDifference: 'keep', reason: null, origin: origin() }, before),
  });
  sayVersionsChanged(live, name);
  for (;;) {
    await sleep(50);
    const now = await stateOf(store, name);
    if (now.candidate) continue;
    if (now.live !== state.highest) throw new Error(`${name}: ${JSON.stringify(now.last)}`);
    const { documents = 0, different = 0 } = now.last?.comparison ?? {};
    if (different > 0) throw new Error(`${name}: ${different} of ${documents} differ`);
    return;
  }
}

try {
  console.log(`${events.toLocaleString('en')} events of ${(events / 2).toLocaleString('en')} inferences`);
  const filled = isOnServers ? await openStandInLog(join(folder, 'log')) : await openSqliteEventStore({ folder });
  await timed('written into the log', () => fill(filled));
  await filled.close();
  const engines = await (isOnServers ? openOnServers() : openEmbedded());
  const { store, readStore, searchIndex } = engines;
  const bus = openLogBus({ store, topicOf, partitions: 16, checkpoints: checkpointsInReadStore(readStore), log });
  const projectors = await startProjectors({ readModels, store, bus, readStore, searchIndex, contents, live, log });
  await timed('all built at the same time, at start', async () => {
    while (!projectors.ready()) await sleep(50);
  });
  for (const { name } of readModels) await timed(`${name}: built, compared, switched`, () => rebuild(store, name));
  await projectors.stop();
  await bus.close();
  await engines.close();
} finally {
  await live.close();
  keyring.close();
  await vault.close();
  await blobStore.close();
  await rm(folder, { recursive: true, force: true });
}
