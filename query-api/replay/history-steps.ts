// The steps of a window: a tenant's events of things that it has, each with what it made of its thing.

import { aggregateOf, aggregates } from '#events/aggregates.ts';
import { ownerOf, standingOf } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import type { FreshIndex } from '../freshness.ts';
import { inTurn } from './in-turn.ts';
import { TENANT_KINDS } from './past-entities.ts';
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

/** In the order of the log; at most `MOST_STEPS`, and whether there are more. */
export async function stepsOf(
  { audit, past }: { readonly audit: FreshIndex; readonly past: Pick<PastOfStreams, 'steps'> },
  tenantId: string,
  { from, to, types }: Window,
): Promise<{ readonly steps: readonly Step[]; readonly truncated: boolean; readonly last: bigint | undefined }> {
  const wanted = types ? types.filter((type) => TYPES.has(type)) : [...TYPES];
  if (wanted.length === 0) return { steps: [], truncated: false, last: undefined };
  const found = await audit.search({
    partition: tenantId,
    conditions: [
      { field: 'type', in: wanted },
      { field: 'position', from: Number(from) + 1, to: Number(to) },
    ],
    order: 'ascending',
    limit: MOST_STEPS + 1,
  });
  const hits = found.slice(0, MOST_STEPS);
  const revisions = Map.groupBy(hits, ({ fields }) => String(fields['stream']));
  const ofStreams = await inTurn([...revisions], ([stream, rows]) => {
    const [first, last] = [rows[0], rows.at(-1)];
    return first && last ? past.steps(stream, first.revision, last.revision) : [];
  });
  const positions = new Set(hits.map(({ sort }) => sort));
  const steps = ofStreams
    .flat()
    .filter((step) => positions.has(Number(step.event.position)) && isOf(tenantId, step))
    .toSorted((a, b) => (a.event.position < b.event.position ? -1 : 1));
  const last = hits.at(-1);
  return { steps, truncated: found.length > hits.length, last: last && BigInt(last.sort) };
}

/** An event may be told in a tenant's audit and be about what is another's. */
function isOf(tenantId: string, { event, before, after }: Step): boolean {
  if (!TENANT_KINDS.includes(categoryOf(event.stream)) || !aggregateOf(event.stream)) return false;
  return [before, after].some((state) => {
    const standing = standingOf(event.stream, state);
    return standing !== undefined && ownerOf(event.stream, standing) === tenantId;
  });
}
