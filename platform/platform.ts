// The floor put together: the one place that chooses adapters. Each thread, and each service started alone, opens the
// ports that it needs; of the embedded engines the main thread's are opened first and hand the others what they need to
// reach them. A vendor's client is loaded only where its engine is configured.

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { openBlobStore } from './adapters/blob-store.ts';
import { openEmbeddedBus, openRemoteBus } from './adapters/bus.ts';
import { openRemoteEventStore } from './adapters/event-store.ts';
import { openRemoteLiveChannel } from './adapters/live-channel.ts';
import { type AdapterOptions, type LogStore, opened, type Opened } from './adapters/opened.ts';
import { openReadStore } from './adapters/read-store.ts';
import { openRelayTarget } from './adapters/relay-target.ts';
import { openSearchIndex } from './adapters/search-index.ts';
import { openVault } from './adapters/vault.ts';
import { createBlobs } from './blobs/blobs.ts';
import type { Bus } from './bus/bus.ts';
import { partitionOfKey } from './bus/partition.ts';
import type { Config } from './config.ts';
import { type ConsistencyTokens, createConsistencyTokens } from './consistency/consistency-token.ts';
import { type Contents, createContents } from './content/content.ts';
import type { EventLanguage } from './event-language.ts';
import { createCheckedEventStore } from './event-store/checked-event-store.ts';
import { createEventCodec } from './event-store/event-codec.ts';
import type { EventStore } from './event-store/event-store.ts';
import { openSqliteEventStore } from './event-store/sqlite-event-store.ts';
import type { LiveChannel } from './live-channel/live-channel.ts';
import { openLiveHub } from './live-channel/live-hub.ts';
import { connectLiveChannel } from './live-channel/thread-live-channel.ts';
import type { LogInUse } from './log-generation.ts';
import type { Log } from './logging/log.ts';
import type { discoverOpenAi as discover } from './model-host/discover-openai.ts';
import type { ModelHost } from './model-host/model-host.ts';
import type { ReadStore } from './read-store/read-store.ts';
import type { RelayTarget } from './relay/relay-target.ts';
import type { SearchIndex } from './search-index/search-index.ts';
import { type Keyring, openKeyring } from './vault/keyring.ts';
import { loadMasterKey } from './vault/master-key.ts';

/** The folder of the models that come with the program. */
export const modelsFolder = fileURLToPath(new URL('../models', import.meta.url));

/** Ports of a thread to the main thread's embedded engines; transfer them with it. */
export interface ThreadWiring {
  readonly storePort?: MessagePort;
  readonly livePort?: MessagePort;
}

/** What a service may ask of the floor besides the log. */
export interface Ports {
  readonly bus: Bus;
  /** Reads the event store itself, whatever the bus: for rebuilds, which begin with the first event. */
  readonly logBus: Bus;
  readonly readStore: ReadStore;
  readonly searchIndex: SearchIndex;
  readonly live: LiveChannel;
  readonly keyring: Keyring;
  readonly contents: Contents;
  readonly tokens: ConsistencyTokens;
  /** Keys what is derived by HMAC: ids from idempotency keys, the secrets of repeatable key issues. */
  readonly serverKey: KeyObject;
  readonly relayTarget: RelayTarget;
}

export interface Floor {
  readonly store: EventStore;
  readonly partitionOf: Bus['partitionOf'];
  /** Per engine in a server of its own: rejects with a sentence when it cannot be used now. */
  readonly health: Readonly<Record<string, () => Promise<void>>>;
  /** Frees the room of read-model documents that have expired, where the engine does not do so itself; answers how many. */
  sweepExpired(now: number, limit: number): Promise<number>;
  /** Resolves when the log can no longer be written: the process should end. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

export interface MainFloor extends Floor {
  /** What one more thread needs; each call makes new ports. */
  connect(): { readonly wiring: ThreadWiring; readonly transfer: MessagePort[] };
}

export interface PlatformOptions extends AdapterOptions {
  /** Names what is waited for, as long as it is. */
  readonly waits?: Set<string>;
  /** Resolves when there is something to work on: a service started alone waits for `migrate`. */
  readonly prepared?: (store: EventStore) => Promise<void>;
  /**
   * What to do with read models that were made from another generation of the log; `refuse` if left out, so that of several
   * processes only the one whose task it is removes anything.
   */
  readonly onOtherGeneration?: LogInUse['onOther'];
}

/**
 * For the main thread, which answers requests: nothing here waits for the disk on it but reads of single keys and streams,
 * and the rare writes of the vault (a tenant, a credential, the first content of a day).
 */
export async function openMainPlatform<const Need extends keyof Ports>(
  options: PlatformOptions,
  needs: readonly Need[],
): Promise<MainFloor & Pick<Ports, Need>> {
  const { config, log } = options;
  const { eventStoreUrl, redisUrl, dataDir } = config;
  const sqlite = eventStoreUrl === undefined ? await openSqliteEventStore({ folder: dataDir, log }) : undefined;
  const hub = redisUrl === undefined ? openLiveHub({ log }) : undefined;
  const store = sqlite ? opened(sqlite) : await awaited(options, 'event store', () => openRemoteEventStore(options));
  const live = hub && opened(hub);
  const floor = await openAround(options, { store, live, slowWork: 'thread' }, needs);
  return {
    ...floor,
    connect() {
      const wiring = {
        ...(sqlite && { storePort: sqlite.connect() }),
        ...(hub && { livePort: hub.connect() }),
      };
      return { wiring, transfer: Object.values(wiring) };
    },
  };
}

/** Names what is opened among what is waited for, as long as it takes. */
async function awaited<T>({ waits }: PlatformOptions, name: string, opening: () => Promise<T>): Promise<T> {
  waits?.add(name);
  const done = await opening();
  waits?.delete(name);
  return done;
}

/** For a thread of its own, which may wait for the disk. */
export async function openThreadPlatform<const Need extends keyof Ports>(
  options: PlatformOptions,
  wiring: ThreadWiring,
  needs: readonly Need[],
): Promise<Floor & Pick<Ports, Need>> {
  const { config, log } = options;
  const { storePort, livePort } = wiring;
  const sqlite = storePort && (await openSqliteEventStore({ folder: config.dataDir, log, port: storePort }));
  const store = sqlite ? opened(sqlite) : await awaited(options, 'event store', () => openRemoteEventStore(options));
  const live = livePort && opened(connectLiveChannel(livePort, log));
  return openAround(options, { store, live, slowWork: 'here' }, needs);
}

interface Ground {
  readonly store: Opened<LogStore>;
  /** undefined: over Redis. */
  readonly live: Opened<LiveChannel> | undefined;
  readonly slowWork: 'here' | 'thread';
}

async function openAround<const Need extends keyof Ports>(
  options: PlatformOptions,
  ground: Ground,
  needs: readonly Need[],
): Promise<Floor & Pick<Ports, Need>> {
  const { config, events, log } = options;
  const wanted = new Set<keyof Ports>(needs);
  const store = createCheckedEventStore(ground.store.port, createEventCodec(events));
  const closing: (() => Promise<void>)[] = [ground.store.close];
  const health: Record<string, () => Promise<void>> = {};
  if (ground.store.health) health['event store'] = ground.store.health;
  let sweepExpired: Floor['sweepExpired'] = () => Promise.resolve(0);

  const open = async <Port>(name: string, opening: () => Promise<Opened<Port>>): Promise<Port> => {
    const { port, close: closePort, health: healthOf } = await awaited(options, name, opening);
    closing.push(closePort);
    if (healthOf) health[name] = healthOf;
    return port;
  };
  const close = async () => {
    for (let last = closing.pop(); last; last = closing.pop()) await last();
  };
  const partitionOf = (_topic: string, stream: string) => partitionOfKey(stream, config.partitions);

  const openPorts = async (): Promise<Partial<Ports>> => {
    await options.prepared?.(store);
    const masterKey = await readMasterKey(config, store);
    const logInUse = { generation: store.generation, onOther: options.onOtherGeneration ?? 'refuse' };
    const needsVault = wanted.has('keyring') || wanted.has('contents');
    const [readStore, searchIndex, live, vault, blobs, relayTarget] = await Promise.all([
      wanted.has('readStore') || wanted.has('bus') || wanted.has('logBus')
        ? open('read store', async () => {
            const opened = await openReadStore(options, ground.slowWork, logInUse);
            sweepExpired = opened.sweepExpired;
            return opened;
          })
        : undefined,
      wanted.has('searchIndex')
        ? open('search index', () => openSearchIndex(options, ground.slowWork, logInUse))
        : undefined,
      wanted.has('live') ? open('live channel', async () => ground.live ?? openRemoteLiveChannel(options)) : undefined,
      needsVault ? open('vault', () => openVault(options)) : undefined,
      needsVault ? open('blobs', () => openBlobStore(options)) : undefined,
      wanted.has('relayTarget') ? open('bus', () => openRelayTarget(options, store)) : undefined,
    ]);
    // Only where nothing has been written may keys be made: new ones for old data would lock it for ever.
    const keyring = vault && (await openKeyring({ vault, masterKey, mayBeNew: (await store.head()) === 0n }));
    if (keyring) closing.push(async () => keyring.close());
    const { logBus, bus } = readStore ? await openBuses(readStore) : {};
    return {
      ...(readStore && { readStore }),
      ...(searchIndex && { searchIndex }),
      ...(live && { live }),
      ...(relayTarget && { relayTarget }),
      ...(logBus && { logBus }),
      ...(bus && { bus }),
      ...(keyring &&
        blobs && { keyring, contents: createContents({ keyring, blobs: createBlobs({ store: blobs, keyring }) }) }),
      tokens: createConsistencyTokens({ secret: deriveKey(masterKey, 'consistency'), generation: store.generation }),
      serverKey: deriveKey(masterKey, 'server'),
    };
  };

  const openBuses = async (readStore: ReadStore): Promise<{ logBus?: Bus; bus?: Bus }> => {
    if (!wanted.has('bus') && !wanted.has('logBus')) return {};
    const embedded = openEmbeddedBus(options, { store, readStore });
    closing.push(embedded.close);
    const remote = await awaited(options, 'bus', () => openRemoteBus(options, { store }));
    if (!remote) return { logBus: embedded.port, bus: embedded.port };
    return { logBus: embedded.port, bus: await open('bus', () => Promise.resolve(remote)) };
  };

  try {
    const ports = await openPorts();
    const { failed } = ground.store.port;
    // `wanted` decided what was opened.
    return { store, partitionOf, health, sweepExpired, failed, close, ...(ports as Pick<Ports, Need>) };
  } catch (error) {
    await close().catch((err: unknown) => log.warn({ err }, 'what had been opened could not be closed'));
    throw error;
  }
}

async function readMasterKey(config: Config, store: EventStore): Promise<Uint8Array> {
  return config.masterKey ?? loadMasterKey({ folder: config.dataDir, mayMake: (await store.head()) === 0n });
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
export async function openLog(config: Config, events: EventLanguage, log: Log): Promise<EventStore> {
  const store =
    config.eventStoreUrl === undefined
      ? await openSqliteEventStore({ folder: config.dataDir })
      : (await openRemoteEventStore({ config, events, log })).port;
  return createCheckedEventStore(store, createEventCodec(events));
}

export { prepareEngines } from './adapters/prepare-engines.ts';
