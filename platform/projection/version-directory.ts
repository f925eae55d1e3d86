// What this process knows of each projection's versions. It is told of changes by the live channel, and looks again when
// what it knows is a second old; it never acts on knowledge that is too old to be safe.

import { isFinal } from '../errors.ts';
import type { LiveChannel } from '../live-channel/live-channel.ts';
import { type Documents, versionDocuments } from './versions.ts';

export interface KnownVersions {
  /** The one that is read. */
  readonly live: number;
  /** The one that is being built or caught up. */
  readonly candidate: { readonly version: number } | null;
  /** Those that were live before, with the time (milliseconds since the epoch) since when they are not. */
  readonly kept: readonly { readonly version: number; readonly since: number }[];
}

export interface VersionDirectory<Versions extends KnownVersions = KnownVersions> {
  /** As last seen, at most a second ago unless the store fails. Rejects when that was too long ago. */
  of(projection: string): Promise<Versions>;
  /** As it is now. */
  look(projection: string): Promise<Versions>;
}

export interface OpenVersionDirectory<Versions extends KnownVersions> extends VersionDirectory<Versions> {
  /** From now on it is told of no changes. */
  close(): void;
}

export interface VersionDirectoryParts<Versions extends KnownVersions> {
  readonly load: (projection: string) => Promise<Versions>;
  readonly live?: Pick<LiveChannel, 'subscribe'> | undefined;
  /** Milliseconds from any moment on, never going back. */
  readonly now?: () => number;
}

const LOOK_AFTER_MS = 1_000;
/** Half of the time for which a version is fed after it was switched away from (FED_AFTER_SWITCH_MS). */
export const KNOWN_FOR_MS = 30_000;

/** Said whenever a projection's versions change. */
export const VERSIONS_CHANNEL = 'projection-versions';

export function sayVersionsChanged(live: Pick<LiveChannel, 'publish'>, projection: string): void {
  live.publish(VERSIONS_CHANNEL, { projection }, { keep: false });
}

/** Calls back when the versions of any projection may have changed. Returns what ends it. */
export const onVersionsChanged = (live: Pick<LiveChannel, 'subscribe'>, listener: () => void): (() => void) =>
  live.subscribe(VERSIONS_CHANNEL, listener);

interface Entry<Versions> {
  readonly versions: Versions;
  /** When the look began. */
  readonly at: number;
}

export function openVersionDirectory<Versions extends KnownVersions>(
  parts: VersionDirectoryParts<Versions>,
): OpenVersionDirectory<Versions> {
  const { load, live, now = () => performance.now() } = parts;
  const known = new Map<string, Entry<Versions>>();
  const looking = new Map<string, Promise<Versions>>();
  let told = -Infinity;

  const unsubscribe = live && onVersionsChanged(live, () => (told = now()));

  async function look(projection: string): Promise<Versions> {
    const at = now();
    const versions = await load(projection);
    const before = known.get(projection);
    if (!before || before.at <= at) known.set(projection, { versions, at });
    return versions;
  }

  /** One look for all who ask meanwhile. */
  function lookOnce(projection: string): Promise<Versions> {
    const underWay = looking.get(projection);
    if (underWay) return underWay;
    const mine = look(projection).finally(() => looking.delete(projection));
    looking.set(projection, mine);
    return mine;
  }

  return {
    look,
    async of(projection) {
      const entry = known.get(projection);
      if (entry && entry.at > told && now() - entry.at < LOOK_AFTER_MS) return entry.versions;
      try {
        return await lookOnce(projection);
      } catch (err) {
        if (!entry || isFinal(err) || now() - entry.at > KNOWN_FOR_MS) throw err;
        return entry.versions;
      }
    },
    close: () => unsubscribe?.(),
  };
}

/** The documents of the version that is live at each call. */
export function liveDocuments(store: Documents, projection: string, directory: VersionDirectory): Documents {
  const live = async () => versionDocuments(store, projection, (await directory.of(projection)).live);
  return {
    get: async (keys) => (await live()).get(keys),
    range: async (set, options) => (await live()).range(set, options),
    sizes: async (sets) => (await live()).sizes(sets),
    counters: async (names) => (await live()).counters(names),
    positions: async (name) => (await live()).positions(name),
    apply: async (writes, checkpoint) => (await live()).apply(writes, checkpoint),
    scan: async (prefix, options) => (await live()).scan(prefix, options),
  };
}

/**
 * The documents of every version that is, or may come to be, read: who writes beside the projector writes to all of them,
 * one after the other, so that whoever goes over to the next version finds there what they saw in the one before. As the
 * store has it now: a version that begins to be built later finds in the log what was written before.
 */
export async function fedDocuments(
  store: Documents,
  projection: string,
  directory: VersionDirectory,
  /** Milliseconds for which a version may still be read after a switch. */
  readAfterSwitchMs: number,
): Promise<readonly Documents[]> {
  const { live, candidate, kept } = await directory.look(projection);
  const before = kept.filter(({ since }) => Date.now() - since < readAfterSwitchMs).map(({ version }) => version);
  const versions = new Set([...(candidate ? [candidate.version] : []), live, ...before]);
  return [...versions].map((version) => versionDocuments(store, projection, version));
}
