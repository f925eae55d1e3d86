// The versions of each projection, and what operators did with it, for every process that reads a read model or writes
// one. It has no versions itself.

import { projections } from '#events/projection.ts';

export const PROJECTION_STATES = { name: 'projections', topics: [projections.topic] } as const;

/** Milliseconds for which a version that is not read any more is still fed: readers may not have heard of the switch. */
export const FED_AFTER_SWITCH_MS = 60_000;

/** Milliseconds for which it is kept to go back to, unless the next rebuild begins before. */
export const KEPT_AFTER_SWITCH_MS = 24 * 60 * 60 * 1_000;

/** Where each process of projectors says, every second, how far it is. */
export const PROJECTION_STATUS = 'projection-status';

export interface VersionStatus {
  readonly version: number;
  readonly lag: number;
  /** Up to where it is done with the log; null while another member of its group works. */
  readonly position: string | null;
  readonly ready: boolean;
}

export interface ProjectorStatus {
  /** Names the process. */
  readonly process: string;
  readonly projections: Readonly<
    Record<string, { readonly versions: readonly VersionStatus[]; readonly phase: 'building' | 'comparing' | null }>
  >;
}
