// The versions of a read model: which one is read, which is being built beside it, which are kept to go back to. And the
// dead letters of a projection, or of a group of workers: which were parked, and what an administrator asked to be done.

import { type DataOf, defineAggregate, type EventFields, type EventOf } from './aggregate.ts';
import type { Actor, RecordedEvent } from './envelope.ts';

/** The Avro record of a comparison. Avro wants each use named. */
function comparisonSchema<const Name extends string>(name: Name) {
  return {
    type: 'record',
    name,
    fields: [
      { name: 'documents', type: 'long', doc: 'compared' },
      { name: 'different', type: 'long', doc: 'those that are not the same at the same revision' },
      { name: 'examples', type: { type: 'array', items: 'string' }, doc: 'the first few that differ, by name' },
      { name: 'checksum', type: 'string', doc: 'of the new version, 16 hexadecimal digits' },
    ],
  } as const;
}

const letterFields = [
  { name: 'stream', type: 'string' },
  { name: 'revision', type: 'long', doc: 'of the event that failed' },
  { name: 'reason', type: ['null', 'string'], default: null },
] as const;

const events = {
  ProjectionRebuildRequested: [
    { name: 'version', type: 'int', doc: 'the one to be built or, in a rollback, to be gone back to' },
    { name: 'kind', type: { type: 'enum', name: 'ProjectionRebuildKind', symbols: ['rebuild', 'rollback'] } },
    {
      name: 'onDifference',
      type: { type: 'enum', name: 'ProjectionOnDifference', symbols: ['switch', 'keep'] },
      doc: 'keep: a version that differs from the live one is given up',
    },
    { name: 'reason', type: ['null', 'string'], default: null },
  ],
  ProjectionSwitched: [
    { name: 'from', type: 'int' },
    { name: 'to', type: 'int' },
    {
      name: 'comparison',
      type: ['null', comparisonSchema('SwitchComparison')],
      doc: 'null: the two have different shapes',
      default: null,
    },
  ],
  ProjectionRebuildAbandoned: [
    { name: 'version', type: 'int' },
    { name: 'reason', type: 'string' },
    { name: 'comparison', type: ['null', comparisonSchema('AbandonedComparison')], default: null },
  ],
  ProjectionVersionRetired: [{ name: 'version', type: 'int', doc: 'its data is removed; there is no way back to it' }],
  DeadLetterParked: [
    { name: 'version', type: ['null', 'int'], doc: 'of the projection; null of a group of workers', default: null },
    { name: 'stream', type: 'string' },
    { name: 'revision', type: 'long', doc: 'of the event that failed' },
    { name: 'error', type: 'string', doc: 'the beginning of what the failure said' },
  ],
  DeadLetterRetried: letterFields,
  DeadLetterDiscarded: letterFields,
} as const satisfies EventFields;

export type VersionComparison = NonNullable<DataOf<typeof events, 'ProjectionSwitched'>['comparison']>;

export interface CandidateVersion {
  readonly version: number;
  readonly kind: 'rebuild' | 'rollback';
  readonly onDifference: 'switch' | 'keep';
  readonly requestedAt: number;
  readonly requestedBy: Actor;
  /** The event's id. */
  readonly requestId: string;
}

export interface KeptVersion {
  readonly version: number;
  /** Since when it is not read any more, in milliseconds since the epoch. */
  readonly since: number;
}

export interface PastRebuild {
  readonly from: number;
  readonly to: number;
  readonly outcome: 'switched' | 'abandoned';
  readonly reason: string | null;
  readonly comparison: VersionComparison | null;
  readonly at: number;
}

export interface ProjectionState {
  readonly live: number;
  readonly candidate: CandidateVersion | null;
  /** The latest that was live is the last. */
  readonly kept: readonly KeptVersion[];
  /** The last few whose data is to be removed. */
  readonly retired: readonly number[];
  readonly highest: number;
  readonly last: PastRebuild | null;
}

const initial: ProjectionState = {
  live: 1,
  candidate: null,
  kept: [],
  retired: [],
  highest: 1,
  last: null,
};

function evolve(before: ProjectionState, event: EventOf<typeof events>): ProjectionState {
  const retiredRemembered = 20;
  const { live, candidate, kept, retired, highest } = before;
  const at = event.recordedAt;
  const without = (version: number) => kept.filter((one) => one.version !== version);
  const retire = (version: number) => [...retired.filter((one) => one !== version), version].slice(-retiredRemembered);
  switch (event.type) {
    case 'ProjectionRebuildRequested': {
      const { version, kind, onDifference } = event.data;
      const requested = {
        version,
        kind,
        onDifference,
        requestedAt: at,
        requestedBy: event.metadata.actor,
        requestId: event.id,
      };
      return { ...before, candidate: requested, highest: Math.max(highest, version) };
    }
    case 'ProjectionSwitched': {
      const { from, to, comparison } = event.data;
      const last = { from, to, outcome: 'switched', reason: null, comparison, at } as const;
      return { ...before, live: to, candidate: null, kept: [...without(to), { version: from, since: at }], last };
    }
    case 'ProjectionRebuildAbandoned': {
      const { version, reason, comparison } = event.data;
      const last = { from: live, to: version, outcome: 'abandoned', reason, comparison, at } as const;
      const isGone = candidate?.kind !== 'rollback';
      return { ...before, candidate: null, last, retired: isGone ? retire(version) : retired };
    }
    case 'ProjectionVersionRetired':
      return { ...before, kept: without(event.data.version), retired: retire(event.data.version) };
    case 'DeadLetterParked':
    case 'DeadLetterRetried':
    case 'DeadLetterDiscarded':
      return before;
  }
}

export const projections = defineAggregate({
  // Of a projection's name, or of a group of workers: what operators did with it.
  category: 'projection',
  topic: 'defter.operations',
  events,
  fields: {},
  longest: 'unbounded',
  initial,
  evolve,
  standing: undefined,
});

export const projectionStateKey = (stream: string) => `projection-state:${stream}`;

/** The document that tells every process a projection's versions: written by a projector and, at once, by who appends. */
export const projectionDocument = (stream: string, revision: number, value: ProjectionState) => ({
  key: projectionStateKey(stream),
  revision,
  value,
});

/** How that document is made and found; see platform/projection/version-states.ts. */
export const projectionVersions = {
  decider: projections,
  streamOf: (name: string) => projections.stream(name),
  keyOf: projectionStateKey,
  writeOf: projectionDocument,
};

/** What an event asks to be done with a dead letter; undefined for one that asks nothing. */
export function letterRequestOf(event: RecordedEvent) {
  if (!projections.owns(event)) return undefined;
  if (event.type !== 'DeadLetterRetried' && event.type !== 'DeadLetterDiscarded') return undefined;
  const kind: 'retry' | 'discard' = event.type === 'DeadLetterRetried' ? 'retry' : 'discard';
  return { request: event.revision, stream: event.data.stream, revision: event.data.revision, kind };
}

/** Whether a version is read or on its way to be: the letters of others wait until it is gone back to, or dropped. */
export const isWorkedOn = ({ live, candidate }: ProjectionState, version: number): boolean =>
  version === live || version === candidate?.version;

/** What an event tells of a dead letter; undefined for one that tells of none. */
export function parkedLetterOf(event: RecordedEvent) {
  return projections.owns(event) && event.type === 'DeadLetterParked' ? event.data : undefined;
}
