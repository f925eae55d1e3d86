// The steps of a window: a tenant's events of things that it has, each with what it made of its thing.

import { aggregateOf, aggregates } from '#events/aggregates.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { ownerOf, standingOf } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import type { DeadLetterRows } from '#platform/bus/dead-letter-rows.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import type { FreshIndex } from '../freshness.ts';
import { inTurn } from '../in-turn.ts';
import { TENANT_KINDS } from './past-entities.ts';
import { parkedBy } from './parked-streams.ts';
import type { PastOfStreams, Step } from './past-of-stream.ts';

export const MOST_STEPS = 500;

const TYPES = new Set(
  aggregates.filter(({ category }) => TENANT_KINDS.includes(category)).flatMap(({ schemas }) => Object.keys(schemas)),
);

export interface Window {
  /** Events after it. */
  readonly from: bigint;
  readonly to: bigint;
  /** Left out: all. */
  readonly types?: readonly string[] | undefined;
}

export interface StepPorts {
  readonly audit: Pick<FreshIndex, 'search'>;
  readonly past: Pick<PastOfStreams, 'steps' | 'between'>;
  readonly readStore: DeadLetterRows;
}

/** In the order of the log; at most `most`, and whether there are more. */
export async function stepsOf(
  { audit, past, readStore }: StepPorts,
  tenantId: string,
  { from, to, types }: Window,
  most = MOST_STEPS,
): Promise<{ readonly steps: readonly Step[]; readonly truncated: boolean; readonly last: bigint | undefined }> {
  const wanted = types ? types.filter((type) => TYPES.has(type)) : [...TYPES];
  if (wanted.length === 0) return { steps: [], truncated: false, last: undefined };
  const limit = most + 1;
  const hits = await audit.search({
    partition: tenantId,
    conditions: [
      { field: 'type', in: wanted },
      { field: 'position', from: Number(from) + 1, to: Number(to) },
    ],
    order: 'ascending',
    limit,
  });
  const places = new Map(
    hits.map(({ sort, revision, fields }) => [BigInt(sort), { stream: String(fields['stream']), revision }]),
  );
  // What the audit has parked, only the log tells.
  const parked = [...(await parkedBy(readStore, auditReadModel.name))].filter(([stream]) => isOfTenants(stream));
  const isWanted = ({ type, metadata }: RecordedEvent) => wanted.includes(type) && metadata.tenantId === tenantId;
  const missed = await inTurn(parked, ([stream, revision]) =>
    past.between(stream, { revision, from, to, isWanted, limit }),
  );
  for (const { position, stream, revision } of missed.flat()) places.set(position, { stream, revision });

  const positions = [...places.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  const asked = new Set(positions.slice(0, most));
  const shown = [...places].filter(([position]) => asked.has(position));
  const revisions = Map.groupBy(shown, ([, { stream }]) => stream);
  const ofStreams = await inTurn([...revisions], ([stream, found]) => {
    const all = found.map(([, { revision }]) => revision);
    return past.steps(stream, Math.min(...all), Math.max(...all), ({ position }) => asked.has(position));
  });
  const steps = ofStreams
    .flat()
    .filter((step) => isOf(tenantId, step))
    .toSorted((a, b) => (a.event.position < b.event.position ? -1 : 1));
  return { steps, truncated: positions.length > most, last: positions[Math.min(most, positions.length) - 1] };
}

export const isOfTenants = (stream: string): boolean => TENANT_KINDS.includes(categoryOf(stream));

/** An event may be told in a tenant's audit and be about what is another's. */
function isOf(tenantId: string, { event, before, after }: Step): boolean {
  if (!isOfTenants(event.stream) || !aggregateOf(event.stream)) return false;
  return [before, after].some((state) => {
    const standing = standingOf(event.stream, state);
    return standing !== undefined && ownerOf(event.stream, standing) === tenantId;
  });
}
