import type { ProjectionView } from '#contracts/operations.ts';
import { isoTime } from '#contracts/views.ts';
import type { ProjectionState } from '#events/projection.ts';
import type { Positions } from '#platform/positions.ts';
import { KEPT_AFTER_SWITCH_MS } from '../../projectors/projections/read-model.ts';
import type { StatusOf } from './projector-status.ts';

export interface ProjectionFacts {
  readonly name: string;
  readonly state: ProjectionState;
  readonly positions: Positions;
  readonly deadLetters: number;
  readonly head: bigint;
  readonly statusOf: StatusOf;
}

export function viewProjection({
  name,
  state,
  positions,
  deadLetters,
  head,
  statusOf,
}: ProjectionFacts): ProjectionView {
  const { live, candidate, kept, last } = state;
  const status = statusOf(name, live);
  const building = candidate && statusOf(name, candidate.version);
  const latest = kept.filter(({ version }) => version !== candidate?.version).at(-1);
  return {
    name,
    object: 'projection',
    version: live,
    state: candidate ? (candidate.kind === 'rebuild' ? 'rebuilding' : 'rolling-back') : 'live',
    ready: status?.ready ?? false,
    lag: status?.lag ?? null,
    positions: Object.fromEntries([...positions].map(([partition, position]) => [partition, String(position)])),
    deadLetters,
    candidate: candidate && {
      version: candidate.version,
      kind: candidate.kind,
      phase: building?.phase ?? 'waiting',
      progress: progressOf(building?.position ?? 0n, head),
      onDifference: candidate.onDifference,
      requestedAt: isoTime(candidate.requestedAt),
      requestedBy: candidate.requestedBy,
    },
    kept: latest
      ? { version: latest.version, since: isoTime(latest.since), until: isoTime(latest.since + KEPT_AFTER_SWITCH_MS) }
      : null,
    lastRebuild: last && {
      ...last,
      comparison: last.comparison && viewComparison(last.comparison),
      at: isoTime(last.at),
    },
    statusAgeMs: status?.ageMs ?? null,
  };
}

type Comparison = NonNullable<NonNullable<ProjectionState['last']>['comparison']>;

const viewComparison = ({ documents, different, examples, checksum }: Comparison) => ({
  documents,
  different,
  examples: [...examples],
  checksum,
});

/** From 0 to 1, by the share of the log. */
const progressOf = (position: bigint, head: bigint) =>
  head === 0n ? 1 : Math.min(1, Number((position * 10_000n) / head) / 10_000);
