// The floor put together: the one place that chooses adapters. Each thread opens its own; the main thread's is opened
// first and hands the others what they need to reach it.

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import type { RecordedEvent } from '#events/envelope.ts';
import { createBlobs } from './blobs/blobs.ts';
import { openFolderBlobStore } from './blobs/folder-blob-store.ts';
import type { Bus } from './bus/bus.ts';
import { checkpointsInReadStore } from './bus/group-checkpoints.ts';
import { openLogBus } from './bus/log-bus.ts';
import type { Config } from './config.ts';
import { type ConsistencyTokens, createConsistencyTokens } from './consistency/consistency-token.ts';
import { type Contents, createContents } from './content/content.ts';
import { createCheckedEventStore } from './event-store/checked-event-store.ts';
import { createEventCodec } from './event-store/event-codec.ts';
import type { EventStore } from './event-store/event-store.ts';
import { openSqliteEventStore } from './event-store/sqlite-event-store.ts';
import type { LiveChannel } from './live-channel/live-channel.ts';
import { openLiveHub } from './live-channel/live-hub.ts';
import { connectLiveChannel } from './live-channel/thread-live-channel.ts';
import type { Log } from './logging/log.ts';
import type { discoverOpenAi as discover } from './model-host/discover-openai.ts';
import type { ModelHost } from './model-host/model-host.ts';
import type { ReadStore } from './read-store/read-store.ts';
import { openSqliteReadStore } from './read-store/sqlite-read-store.ts';
import type { SearchIndex } from './search-index/search-index.ts';
import { openSqliteSearchIndex } from './search-index/sqlite-search-index.ts';
import { type Keyring, openKeyring } from './vault/keyring.ts';
import { loadMasterKey } from './vault/master-key.ts';
import { openSqliteVault } from './vault/sqlite-vault.ts';

/** The folder of the models that come with the program. */
export const modelsFolder = fileURLToPath(new URL('../models', import.meta.url));

/** What the floor must be told of the events that it stores and moves. */
export interface EventLanguage {
  readonly types: ReadonlyMap<string, { readonly schema: object; readonly version: number }>;
  readonly upcast: (event: RecordedEvent) => RecordedEvent;
  readonly topicOf: (stream: string) => string | undefined;
}

/** Ports of a thread to the main thread's floor; transfer them with it. */
export interface ThreadWiring {
  readonly storePort: MessagePort;
  readonly livePort: MessagePort;
}

export interface Platform {
  readonly store: EventStore;
  readonly bus: Bus;
  readonly readStore: ReadStore;
  readonly searchIndex: SearchIndex;
  readonly live: LiveChannel;
  readonly keyring: Keyring;
  readonly contents: Contents;
  readonly tokens: ConsistencyTokens;
  /** Keys what is derived by HMAC: ids from idempotency keys, the secrets of repeatable key issues. */
  readonly serverKey: KeyObject;
  /** Frees the room of read-model documents that have expired; answers how many. */
  sweepExpired(now: number, limit: number): Promise<number>;
  /** Resolves when the log can no longer be written: the process should end. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

export interface MainPlatform extends Platform {
  /** What one more thread needs; each call makes new ports. */
  connect(): { readonly wiring: ThreadWiring; readonly transfer: MessagePort[] };
}

export interface PlatformOptions {
  readonly config: Config;
  readonly events: EventLanguage;
  readonly log: Log;
}

/**
 * For the thread that answers requests: nothing here waits for the disk on it but reads of single keys and streams, and the
 * rare writes of the vault (a tenant, a credential, the first content of a day).
 */
export async function openMainPlatform(options: PlatformOptions): Promise<MainPlatform> {
  const { config, log } = options;
  const store = await openSqliteEventStore({ folder: config.dataDir, log });
  const hub = openLiveHub({ log });
  const platform = await openAround(options, store, hub, 'thread');
  return {
    ...platform,
    connect() {
      const wiring = { storePort: store.connect(), livePort: hub.connect() };
      return { wiring, transfer: [wiring.storePort, wiring.livePort] };
    },
  };
}

/** For a thread of its own, which may wait for the disk. */
export async function openThreadPlatform(options: PlatformOptions, wiring: ThreadWiring): Promise<Platform> {
  const { config, log } = options;
  const store = await openSqliteEventStore({ folder: config.dataDir, log, port: wiring.storePort });
  return openAround(options, store, connectLiveChannel(wiring.livePort, log), 'here');
}

async function openAround(
  { config, events, log }: PlatformOptions,
  raw: EventStore & { readonly failed: Promise<Error> },
  live: LiveChannel,
  slowWork: 'here' | 'thread',
): Promise<Platform> {
  const folder = config.dataDir;
  const store = createCheckedEventStore(raw, createEventCodec(events));
  const readStore = await openSqliteReadStore({ folder, writes: slowWork });
  const searchIndex = await openSqliteSearchIndex({ folder, reads: slowWork });
  // Only where nothing has been written may keys be made: new ones for old data would lock it for ever.
  const mayBeNew = (await store.head()) === 0n;
  const masterKey = config.masterKey ?? (await loadMasterKey({ folder, mayMake: mayBeNew }));
  const vault = openSqliteVault(join(folder, 'vault.sqlite'));
  const keyring = await openKeyring({ vault, masterKey, mayBeNew });
  const blobStore = await openFolderBlobStore(join(folder, 'blobs'));
  const serverKey = deriveKey(masterKey, 'server');
  const bus = openLogBus({
    store,
    topicOf: events.topicOf,
    partitions: config.partitions,
    checkpoints: checkpointsInReadStore(readStore),
    log,
    mode: config.busMode.kind === 'normal' ? 'normal' : { seed: config.busMode.seed },
  });
  return {
    store,
    bus,
    readStore,
    searchIndex,
    live,
    keyring,
    contents: createContents({ keyring, blobs: createBlobs({ store: blobStore, keyring }) }),
    tokens: createConsistencyTokens({ secret: deriveKey(masterKey, 'consistency'), generation: store.generation }),
    serverKey,
    sweepExpired: (now, limit) => readStore.sweepExpired(now, limit),
    failed: raw.failed,
    async close() {
      await bus.close();
      await searchIndex.close();
      await readStore.close();
      keyring.close();
      await vault.close();
      await blobStore.close();
      await live.close();
      await raw.close();
    },
  };
}

/** A key of its own for each purpose (NIST SP 800-108, one HMAC block). */
const deriveKey = (masterKey: Uint8Array, purpose: string): KeyObject =>
  createSecretKey(createHmac('sha256', masterKey).update(`defter ${purpose}`).digest());

/** Asks an OpenAI-compatible server which models it serves; see discover-openai.ts. */
export const discoverOpenAi: typeof discover = async (options) =>
  (await import('./model-host/discover-openai.ts')).discoverOpenAi(options);

/** Loaded only where models run, so that an API never carries a model runtime. */
export async function openModels(config: Config, log: Log): Promise<ModelHost> {
  const { openModelHost } = await import('./model-host/model-host.ts');
  const { openTensorflowRuntime } = await import('./model-host/tensorflow-runtime.ts');
  const { openOpenAiRuntime } = await import('./model-host/openai-runtime.ts');
  const runtimes = [openTensorflowRuntime({ modelsFolder, log }), openOpenAiRuntime({ log })];
  return openModelHost({ runtimes, memoryBudgetBytes: config.modelMemoryBytes, log });
}

/** The log alone, for a command-line verb; it may run beside a server on the same folder. */
export const openLog = async (config: Config, events: EventLanguage): Promise<EventStore> =>
  createCheckedEventStore(await openSqliteEventStore({ folder: config.dataDir }), createEventCodec(events));
