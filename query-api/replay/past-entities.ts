// What owners had at a moment, and what each thing was like. The read model of entities says what there was; the state is
// the thing's standing where nothing has changed since, else folded from the log. A stream that the read model has set
// aside is looked at in the log itself.

import { aggregates } from '#events/aggregates.ts';
import { hasStanding, isThere, ownerOf, type Standing, standingKey, standingOf } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import type { ConsistencyEntry } from '#platform/consistency/consistency-token.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { type Hit, idOfNumber } from '#platform/search-index/search-index.ts';
import { entitiesReadModel } from '../../projectors/entities/read-model.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { Freshness, TokenBearer } from '../freshness.ts';
import { inTurn } from '../in-turn.ts';
import { parkedBy } from './parked-streams.ts';
import type { PastOfStreams } from './past-of-stream.ts';

/** A thing as it was. */
export interface EntityThen {
  readonly stream: string;
  readonly kind: string;
  readonly born: bigint;
  /** Of its last event by then, as all below. */
  readonly revision: number;
  readonly position: bigint;
  readonly changedAt: number;
  readonly standing: Standing;
}

/** What may have been an owner's: where it began, and when it last changed; undefined where only the log tells. */
export interface Candidate {
  readonly stream: string;
  readonly kind: string;
  readonly born: bigint;
  readonly last: { readonly revision: number; readonly position: bigint; readonly changedAt: number } | undefined;
}

export interface Wanted {
  readonly owners: readonly string[];
  readonly kinds: readonly string[];
  /** Born by then. */
  readonly until: bigint;
  /** Not gone by then. */
  readonly since: bigint;
  /** Only what has changed after. */
  readonly changedAfter?: bigint;
  /** Only what has changed after this time, in milliseconds since the epoch. */
  readonly usedAfter?: number;
  /** Only what was born after. */
  readonly bornAfter?: bigint | undefined;
  readonly limit: number;
}

export interface PastEntityPorts {
  readonly fresh: Freshness;
  readonly readStore: Pick<ReadStore, 'get' | 'keys'>;
  readonly past: PastOfStreams;
}

/** What one request reads, all of it from the same versions of the read models. */
export interface PastEntities {
  /** In the order of their births. */
  find(wanted: Wanted): Promise<Candidate[]>;
  /** As each was, in their order; undefined for one that was not there then, or had another owner. */
  at(
    candidates: readonly Candidate[],
    owners: ReadonlySet<string>,
    position: bigint,
  ): Promise<(EntityThen | undefined)[]>;
}

/** The search index gives no more at once. */
const MOST_AT_ONCE = 1_000;
/** So few that all that they have is nearly always in one answer: the next would begin with all of them again. */
const OWNERS_AT_ONCE = 250;
/** What an embedded store reads is read on this thread. */
const DOCUMENTS_AT_ONCE = 100;

/** The kinds of things that tenants have: people and their sessions are no tenant's. */
export const TENANT_KINDS: readonly string[] = aggregates
  .filter(({ standing, category }) => (standing as unknown) !== undefined && !['user', 'session'].includes(category))
  .map(({ category }) => category)
  .toSorted();

/** `newest` is what the read model must have besides what the request's token stands for. */
export async function openPastEntities(
  { fresh, readStore, past }: PastEntityPorts,
  request: TokenBearer,
  newest: readonly ConsistencyEntry[] = [],
): Promise<PastEntities> {
  const index = await fresh.of(entitiesReadModel, request, newest);
  const documents = await fresh.of(standingReadModel, request);
  let parked: Promise<Candidate[]> | undefined;

  /** What the read model tells of these is old, or it tells nothing. */
  async function findParked(): Promise<Candidate[]> {
    const streams = [...(await parkedBy(readStore, entitiesReadModel.name)).keys()].filter(hasStanding);
    const found = await inTurn(streams, async (stream): Promise<Candidate[]> => {
      const first = await past.first(stream);
      return first ? [{ stream, kind: categoryOf(stream), born: first.position, last: undefined }] : [];
    });
    return found.flat();
  }

  async function rowsOf(owners: readonly string[], wanted: Wanted): Promise<Hit[]> {
    const { kinds, until, since, changedAfter, usedAfter, bornAfter, limit } = wanted;
    const rows: Hit[] = [];
    let after = bornAfter === undefined ? undefined : { sort: Number(bornAfter), id: idOfNumber(Number(bornAfter)) };
    while (rows.length < limit) {
      const asked = Math.min(MOST_AT_ONCE, limit - rows.length);
      const page = await index.search({
        partition: owners.length === 1 ? owners[0] : owners,
        conditions: [
          { field: 'kind', in: kinds },
          { field: 'born', to: Number(until) },
          { field: 'gone', from: Number(since) + 1 },
          ...(changedAfter === undefined ? [] : [{ field: 'changed', from: Number(changedAfter) + 1 }]),
          ...(usedAfter === undefined ? [] : [{ field: 'changedAt', from: usedAfter + 1 }]),
        ],
        order: 'ascending',
        limit: asked,
        ...(after && { after }),
      });
      rows.push(...page);
      after = page.at(-1);
      if (page.length < asked) break;
    }
    return rows;
  }

  return {
    async find(wanted) {
      const { owners, kinds, until, bornAfter = -1n, limit } = wanted;
      const chunks = owners.length === 0 ? [] : chunksOf(owners, OWNERS_AT_ONCE);
      const rows = await Promise.all(chunks.map((chunk) => rowsOf(chunk, wanted)));
      parked ??= findParked();
      const alsoLookedAt = (await parked).filter(
        ({ kind, born }) => kinds.includes(kind) && born <= until && born > bornAfter,
      );
      const found = new Map(rows.flat().map((row) => [String(row.fields['stream']), candidateOf(row)]));
      for (const one of alsoLookedAt) found.set(one.stream, one);
      return [...found.values()].toSorted((a, b) => (a.born < b.born ? -1 : 1)).slice(0, limit);
    },

    async at(candidates, owners, position) {
      const isUnchanged = ({ last }: Candidate) => last !== undefined && last.position <= position;
      const unchanged = candidates.filter(isUnchanged);
      const pages = await inTurn(chunksOf(unchanged, DOCUMENTS_AT_ONCE), (chunk) =>
        documents.get(chunk.map(({ stream }) => standingKey(stream))),
      );
      const kept = pages.flat();
      const standings = new Map(unchanged.map(({ stream }, at) => [stream, kept[at]]));
      const entities = await inTurn(
        candidates,
        (candidate): EntityThen | undefined | Promise<EntityThen | undefined> => {
          const { stream, kind, born, last } = candidate;
          if (born > position) return undefined;
          const document = standings.get(stream);
          if (!last || !document?.value || document.revision !== last.revision) return fold(candidate, position);
          return { stream, kind, born, ...last, standing: document.value as Standing };
        },
      );
      return entities.map((one) =>
        one && isThere(one.stream, one.standing) && owners.has(ownerOf(one.stream, one.standing)) ? one : undefined,
      );
    },
  };

  async function fold({ stream, kind, born }: Candidate, position: bigint): Promise<EntityThen | undefined> {
    const then = await past.stateAt(stream, position);
    const standing = then && standingOf(stream, then.state);
    if (!standing) return undefined;
    const { revision, position: changed, recordedAt } = then.event;
    return { stream, kind, born, revision, position: changed, changedAt: recordedAt, standing };
  }
}

const candidateOf = ({ sort, revision, fields }: Hit): Candidate => ({
  stream: String(fields['stream']),
  kind: String(fields['kind']),
  born: BigInt(sort),
  last: { revision, position: BigInt(Number(fields['changed'])), changedAt: Number(fields['changedAt']) },
});

function chunksOf<T>(all: readonly T[], length: number): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < all.length; from += length) chunks.push(all.slice(from, from + length));
  return chunks;
}
