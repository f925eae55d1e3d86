// The ports that a process or a thread works with, opened as they are needed: the one place that chooses adapters. A
// vendor's client is loaded only where its engine is configured. Of the embedded engines the main thread's are opened
// first, and hand the other threads what they need to reach them.

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import { openAttempts } from './adapters/attempts.ts';
import { openBlobStore } from './adapters/blob-store.ts';
import { openKafkaBus, openLogBusOf } from './adapters/bus.ts';
import { openEventStore, requireLog } from './adapters/event-store.ts';
import { kafkaSettings } from './adapters/kafka-settings.ts';
import { openLiveChannel } from './adapters/live-channel.ts';
import { openMail } from './adapters/mail.ts';
import { openModels } from './adapters/models.ts';
import { type AdapterOptions, opened, type ThreadWiring } from './adapters/opened.ts';
import { createPortOpener, type Open, once, type PortOpener } from './adapters/port-opener.ts';
import { openRateStore } from './adapters/rate-store.ts';
import { openReadStore } from './adapters/read-store.ts';
import { openRelayTarget } from './adapters/relay-target.ts';
import { openSearchIndex } from './adapters/search-index.ts';
import { openVault } from './adapters/vault.ts';
import { createAccessKeys } from './auth/access-keys.ts';
import { openPasswords } from './auth/passwords.ts';
import { createBlobs } from './blobs/blobs.ts';
import { createPartitionOf } from './bus/partition.ts';
import type { Config } from './config.ts';
import { createConsistencyTokens } from './consistency/consistency-token.ts';
import { createContents } from './content/content.ts';
import { openJustSealed } from './content/just-sealed.ts';
import type { EventLanguage } from './event-language.ts';
import { createCheckedEventStore } from './event-store/checked-event-store.ts';
import { createEventCodec } from './event-store/event-codec.ts';
import type { EventStore } from './event-store/event-store.ts';
import type { LogInUse } from './log-generation.ts';
import type { Log } from './logging/log.ts';
import { createMeasuredEventStore } from './metrics/event-store-metrics.ts';
import { createMeasuredModelHost } from './metrics/model-host-metrics.ts';
import type { ThreadMetrics } from './metrics/thread-metrics.ts';
import type { discoverOpenAi as discover } from './model-host/discover-openai.ts';
import { openKeyring } from './vault/keyring.ts';
import { loadMasterKey } from './vault/master-key.ts';

export { prepareEngines } from './adapters/prepare-engines.ts';
export { modelsFolder } from './adapters/models.ts';
export { requireLog } from './adapters/event-store.ts';
export type { ThreadWiring } from './adapters/opened.ts';

export interface PlatformOptions extends AdapterOptions {
  /** Told of appends and of runs of models. */
  readonly metrics?: ThreadMetrics;
  /** Whether other threads of this process open a platform too. */
  readonly besideThreads?: boolean;
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

export interface Platform {
  /** Opens these ports, or answers those that are open already. */
  readonly use: <const Name extends PortName>(names: readonly Name[]) => Promise<Pick<Ports, Name>>;
  /** Per engine in a server of its own, once it is open: rejects with a sentence when it cannot be used now. */
  readonly health: Readonly<Record<string, () => Promise<void>>>;
  /** Resolves when the log can no longer be written: the process should end. */
  readonly failed: Promise<Error>;
  /** On the main thread: what one more thread needs; each call makes new ports. */
  connect(): { readonly wiring: ThreadWiring; readonly transfer: MessagePort[] };
  close(): Promise<void>;
}

/** Every port, by name: how it is opened from those that it needs. What opens it also says how it is closed and its health. */
function createPorts(options: PlatformOptions, { port }: PortOpener) {
  const { config, events, metrics } = options;
  const kafka = kafkaSettings(options);

  const log = port('event store', nothing, () => openEventStore(options));
  /** What all others wait for. */
  const checked = once(async () => {
    const store = createCheckedEventStore(await log(), createEventCodec(events), events);
    await options.prepared?.(store);
    return store;
  });
  const logInUse = async () => ({
    generation: (await checked()).generation,
    onOther: options.onOtherGeneration ?? 'refuse',
  });
  // Only where nothing has been written may keys be made: new ones for old data would lock it for ever.
  const isNew = async () => (await (await checked()).head()) === 0n;
  const masterKey = once(
    async () => config.masterKey ?? loadMasterKey({ folder: config.dataDir, mayMake: await isNew() }),
  );

  const documents = port('read store', logInUse, (of) => openReadStore(options, of));
  const readStore = once(async () => (await documents()).readStore);
  const vault = port('vault', checked, () => openVault(options));
  const blobStore = port('blobs', checked, () => openBlobStore(options));
  const keyring = port('keyring', both(vault, masterKey), async ([keys, key]) => {
    const opened = await openKeyring({ vault: keys, masterKey: key, mayBeNew: await isNew() });
    return { port: opened, close: async () => opened.close() };
  });
  const logBus = port('log', both(checked, readStore), async ([store, checkpoints]) =>
    openLogBusOf(options, store, checkpoints),
  );

  return {
    /** The log, its appends measured. */
    store: once(async () => (metrics ? createMeasuredEventStore(await checked(), metrics) : checked())),
    partitionOf: once(async () => createPartitionOf(config.partitions, events.partitionKeyOf)),
    readStore,
    sweepExpired: once(async () => (await documents()).sweepExpired),
    searchIndex: port('search index', logInUse, (of) => openSearchIndex(options, of)),
    live: port('live channel', checked, () => openLiveChannel(options)),
    /** Where the requests of a minute are counted. */
    rates: port('rate limits', nothing, () => openRateStore(options)),
    /** Reads the event store itself, whatever the bus: for rebuilds, which begin with the first event. */
    logBus,
    bus: kafka ? port('bus', checked, (of) => openKafkaBus(options, kafka, of)) : logBus,
    relayTarget: port('relay target', checked, (of) => openRelayTarget(options, of)),
    keyring,
    contents: port('contents', both(keyring, blobStore), async ([keys, store]) => {
      const justSealed = options.besideThreads ? openJustSealed() : undefined;
      const contents = createContents({ keyring: keys, blobs: createBlobs({ store, keyring: keys }), justSealed });
      return { port: contents, close: async () => justSealed?.close() };
    }),
    tokens: once(async () => {
      const { generation } = await checked();
      return createConsistencyTokens({ secret: deriveKey(await masterKey(), 'consistency'), generation });
    }),
    /** Of access tokens, in every process that takes one. */
    accessKeys: once(async () => createAccessKeys(deriveKey(await masterKey(), 'access tokens'), config.tokenKey)),
    passwords: port('passwords', nothing, async () => opened(openPasswords())),
    attempts: port('attempts', nothing, () => openAttempts(options)),
    /** Keys what is derived by HMAC: ids from idempotency keys, the secrets of repeatable key issues. */
    serverKey: once(async () => deriveKey(await masterKey(), 'server')),
    mail: port('mail', nothing, () => openMail(options)),
    /** Loaded only where models run, so that an API never carries a model runtime. */
    models: port('models', nothing, async () => {
      const { port: host, ...rest } = await openModels(options);
      return { ...rest, port: metrics ? createMeasuredModelHost(host, metrics) : host };
    }),
  };
}

type Table = ReturnType<typeof createPorts>;

export type PortName = keyof Table;

/** What a service may ask for, by name. */
export type Ports = { readonly [Name in PortName]: Awaited<ReturnType<Table[Name]>> };

type Opening = { [Name in PortName]?: Ports[Name] };

const holds = <Name extends PortName>(ports: Opening, names: readonly Name[]): ports is Opening & Pick<Ports, Name> =>
  names.every((name) => ports[name] !== undefined);

/** Resolves when the log is open; rejects, with nothing left open, when it cannot be. */
export async function openPlatform(options: PlatformOptions): Promise<Platform> {
  const closing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal;
  const opener = createPortOpener(options.waits ?? new Set());
  const ports: { readonly [Name in PortName]: Open<Ports[Name]> } = createPorts({ ...options, signal }, opener);

  async function openInto<Name extends PortName>(opening: Opening, name: Name): Promise<void> {
    opening[name] = await ports[name]();
  }

  async function close(): Promise<void> {
    closing.abort(new Error('the platform is closed'));
    await opener.close();
  }

  try {
    await ports.store();
  } catch (error) {
    await close().catch((err: unknown) => options.log.warn({ err }, 'what had been opened could not be closed'));
    throw error;
  }
  return {
    async use(names) {
      const opening: Opening = {};
      await Promise.all(names.map((name) => openInto(opening, name)));
      if (!holds(opening, names)) throw new TypeError(`not every one of ${names.join(', ')} is a port`);
      return opening;
    },
    health: opener.health,
    failed: opener.failed,
    connect() {
      const wiring = opener.connect();
      return { wiring, transfer: Object.values(wiring) };
    },
    close,
  };
}

const nothing: Open<void> = () => Promise.resolve();

const both =
  <One, Other>(one: Open<One>, other: Open<Other>): Open<[One, Other]> =>
  () =>
    Promise.all([one(), other()]);

/** A key of its own for each purpose (NIST SP 800-108, one HMAC block). */
const deriveKey = (masterKey: Uint8Array, purpose: string): KeyObject =>
  createSecretKey(createHmac('sha256', masterKey).update(`defter ${purpose}`).digest());

/** Asks an OpenAI-compatible server which models it serves; see discover-openai.ts. */
export const discoverOpenAi: typeof discover = async (options) =>
  (await import('./model-host/discover-openai.ts')).discoverOpenAi(options);

/** The log alone, for a command-line verb; it may run beside a server on the same folder, and makes no log. */
export async function openLog(config: Config, events: EventLanguage, log: Log): Promise<EventStore> {
  requireLog(config);
  const { port } = await openEventStore({ config, events, log });
  return createCheckedEventStore(port, createEventCodec(events), events);
}
