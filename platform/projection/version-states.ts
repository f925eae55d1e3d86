// The versions of each projection as their stream says, kept in the read store for whoever reads or writes a read model.

import type { EventStore } from '../event-store/event-store.ts';
import { type Decider, loadState } from '../event-store/load-state.ts';
import { createSnapshots, type Snapshots } from '../event-store/snapshots.ts';
import type { LiveChannel } from '../live-channel/live-channel.ts';
import type { Log } from '../logging/log.ts';
import type { ReadStore } from '../read-store/read-store.ts';
import { createStandings, type StandingOptions } from '../standing/standings.ts';
import {
  openVersionDirectory,
  type KnownVersions,
  sayVersionsChanged,
  type VersionDirectory,
} from './version-directory.ts';

export interface VersionStateParts<State extends KnownVersions> extends Pick<
  StandingOptions<State>,
  'keyOf' | 'writeOf'
> {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly readStore: Pick<ReadStore, 'get' | 'put' | 'apply'>;
  /** Left out by who only looks now and then. */
  readonly live?: Pick<LiveChannel, 'subscribe' | 'publish'> | undefined;
  /** `shape` tells what its states are made by; see events/aggregate.ts. */
  readonly decider: Decider<State> & { readonly shape: string };
  readonly streamOf: (projection: string) => string;
  readonly log: Pick<Log, 'warn'>;
}

export interface VersionStates<State extends KnownVersions> {
  readonly directory: VersionDirectory<State>;
  /** Of the projections' streams: kept by who appends to them. */
  readonly snapshots: Snapshots;
  /** To be called after each append to the projection's stream: writes the state down and tells the other processes. */
  changed(projection: string): Promise<void>;
  close(): void;
}

export function openVersionStates<State extends KnownVersions>(parts: VersionStateParts<State>): VersionStates<State> {
  const { store, readStore, live, decider, streamOf, log } = parts;
  const snapshots = createSnapshots(readStore, () => decider.shape, log);
  const states = createStandings<State>({
    ...parts,
    async load(stream) {
      const { state, revision } = await loadState({ store, stream, decider, snapshots });
      return revision === -1 ? undefined : { standing: state, revision };
    },
  });
  const directory = openVersionDirectory({
    live,
    load: async (projection) => (await states.get([streamOf(projection)]))[0] ?? decider.initial,
  });
  return {
    directory,
    snapshots,
    async changed(projection) {
      await states.refresh(streamOf(projection));
      if (live) sayVersionsChanged(live, projection);
    },
    close: () => directory.close(),
  };
}
