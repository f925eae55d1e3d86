// Feeds the versions of one projection that are to be fed here: the live one, one that was live until a moment ago, and
// one that is being built.

import { topicOf } from '#events/aggregates.ts';
import { letterRequestOf, projections } from '#events/projection.ts';
import { createBell } from '#platform/patience/bell.ts';
import { letterRequestsInLog } from '#platform/bus/letter-requests.ts';
import { isFinal } from '#platform/errors.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { type RunningProjection, startProjection } from '#platform/projection/start-projection.ts';
import { onVersionsChanged } from '#platform/projection/version-directory.ts';
import { versionDocuments, versionName, versionOf } from '#platform/projection/versions.ts';
import { IndexShapeDiffers } from '#platform/search-index/search-index.ts';
import { FED_AFTER_SWITCH_MS } from '../projections/read-model.ts';
import type { FeedPorts } from './feed-options.ts';
import { markShape } from './version-shape.ts';

const LOOK_EVERY_MS = 1_000;

type Source = 'bus' | 'rebuild-bus';

interface Feed {
  readonly version: number;
  readonly source: Source;
  readonly running: RunningProjection;
}

export interface VersionFeeds {
  readonly name: string;
  /** Resolves with the reason when the live version cannot be fed any more. */
  readonly failed: Promise<Error>;
  /** True while the live version is fed and has caught up. */
  ready(): boolean;
  /** Of the live version; Infinity while it is not fed. */
  lag(): Promise<number>;
  /** What feeds a version here. */
  of(version: number): RunningProjection | undefined;
  fed(): readonly { readonly version: number; readonly running: RunningProjection }[];
  /** Feeds this version from the rebuild bus, in this process; undefined: none. */
  build(version: number | undefined): void;
  /** Why a version cannot be fed by this program. */
  fault(version: number): Error | undefined;
  /** Versions of an older shape: they must be built anew. */
  isOlderShape(version: number): boolean;
  stop(): Promise<void>;
}

export async function startVersionFeeds(projection: Projection, ports: FeedPorts): Promise<VersionFeeds> {
  const { name } = projection;
  const { store, bus, rebuildBus, readStore, searchIndex, live, log, states, now } = ports;
  const open = projection.createOpener?.(ports.contents);
  const stopping = new AbortController();
  const bell = createBell();
  const failure = Promise.withResolvers<Error>();
  const feeds = new Map<string, Feed>();
  const faults = new Map<number, Error>();
  const older = new Set<number>();
  let liveVersion: number | undefined;
  let building: number | undefined;

  const letterRequests = letterRequestsInLog(store, projections.stream(name), letterRequestOf, (listener) =>
    onVersionsChanged(live, listener),
  );
  const keyOf = (version: number, source: Source) => `${version} from ${source}`;
  const find = (version: number) => feeds.get(keyOf(version, 'bus')) ?? feeds.get(keyOf(version, 'rebuild-bus'));

  async function start(version: number, source: Source): Promise<void> {
    const shape = await markShape(readStore, projection, version);
    if (shape === 'older') older.add(version);
    if (shape !== 'same') throw new IndexShapeDiffers(versionName(name, version));
    const versioned = versionOf(projection, version);
    const running = await startProjection({
      projection: versioned,
      bus: source === 'rebuild-bus' && rebuildBus ? rebuildBus : bus,
      store,
      readStore,
      documents: versionDocuments(readStore, name, version),
      searchIndex,
      live,
      log,
      letterRequests,
      letterReports: ports.letterReports,
      // Nobody reads another one.
      onWritten: (written) => version === liveVersion && ports.hints.note(versioned, written),
      topicOf,
      signal: stopping.signal,
      ...(open && { open }),
      ...(ports.observe && { observe: observedAs(ports.observe) }),
    });
    const key = keyOf(version, source);
    feeds.set(key, { version, source, running });
    void running.failed.then((err) => feeds.delete(key) && fail(version, err));
  }

  /** Whoever watches knows the projection, not its versions. */
  const observedAs = (observe: NonNullable<FeedPorts['observe']>): typeof observe => ({
    applied: (_, batch) => observe.applied?.(name, batch),
    parked: (_, stream) => observe.parked?.(name, stream),
  });

  function fail(version: number, err: Error): void {
    faults.set(version, err);
    failIfLive();
  }

  /** A version of another shape is no failure: it is built anew, or is another program's to feed. */
  function failIfLive(): void {
    const fault = liveVersion === undefined ? undefined : faults.get(liveVersion);
    if (fault && !(fault instanceof IndexShapeDiffers)) failure.resolve(fault);
  }

  async function stopFeed(key: string): Promise<void> {
    const feed = feeds.get(key);
    feeds.delete(key);
    await feed?.running.stop();
  }

  /** Which versions are to be fed here, and from where. */
  async function wanted(): Promise<Map<number, Source>> {
    const { live, candidate, kept } = await states.directory.of(name);
    liveVersion = live;
    const versions = new Map<number, Source>([[live, 'bus']]);
    for (const { version, since } of kept) if (now() - since < FED_AFTER_SWITCH_MS) versions.set(version, 'bus');
    if (candidate && !rebuildBus) versions.set(candidate.version, 'bus');
    else if (candidate && building === candidate.version) versions.set(candidate.version, 'rebuild-bus');
    return versions;
  }

  async function reconcile(): Promise<void> {
    const versions = await wanted();
    failIfLive();
    for (const [version, source] of versions) {
      if (feeds.has(keyOf(version, source)) || faults.has(version)) continue;
      await start(version, source).catch((err: unknown) => {
        if (stopping.signal.aborted) return;
        log.warn({ err, projection: name, version }, 'a version of a read model cannot be fed');
        if (err instanceof IndexShapeDiffers && err.index !== versionName(name, version)) older.add(version);
        if (isFinal(err)) fail(version, err as Error);
      });
    }
    for (const [key, { version, source }] of feeds) {
      const wantedFrom = versions.get(version);
      // What was built goes on being fed until the bus has taken over.
      const isTakenOver = feeds.get(keyOf(version, 'bus'))?.running.ready() ?? false;
      if (wantedFrom === undefined || (wantedFrom !== source && isTakenOver)) await stopFeed(key);
    }
    for (const version of faults.keys()) if (!versions.has(version)) faults.delete(version);
  }

  const look = () =>
    reconcile().catch((err: unknown) => {
      if (!stopping.signal.aborted) log.warn({ err, projection: name }, 'versions cannot be looked at, trying again');
    });

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look();
      const isChanging = feeds.size > 1 || (liveVersion !== undefined && !find(liveVersion));
      if (!stopping.signal.aborted) await bell.wait(isChanging ? LOOK_EVERY_MS / 4 : LOOK_EVERY_MS);
    }
  }

  await look();
  const silence = onVersionsChanged(live, () => bell.ring());
  const running = run();

  return {
    name,
    failed: failure.promise,
    ready: () => (liveVersion !== undefined && find(liveVersion)?.running.ready()) ?? false,
    lag: async () => (liveVersion === undefined ? Infinity : ((await find(liveVersion)?.running.lag()) ?? Infinity)),
    of: (version) => find(version)?.running,
    fed: () => [...feeds.values()].map(({ version, running: one }) => ({ version, running: one })),
    build(version) {
      if (building === version) return;
      building = version;
      bell.ring();
    },
    fault: (version) => faults.get(version),
    isOlderShape: (version) => older.has(version),
    async stop() {
      silence();
      stopping.abort();
      bell.ring();
      await running;
      await Promise.all([...feeds.keys()].map(stopFeed));
    },
  };
}
