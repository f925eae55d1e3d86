// Reads that carry a consistency token see what it stands for, or are told to come again: never a stale answer.

import { problems } from '#contracts/problems.ts';
import { findDeadLetter, nameOfGroup } from '#platform/bus/dead-letter-rows.ts';
import type { Bus } from '#platform/bus/bus.ts';
import type { Positions } from '#platform/positions.ts';
import type { ConsistencyEntry, ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller, HttpRequest } from '#platform/http/route.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { DocumentProjection, Projection, RowProjection } from '#platform/projection/projection.ts';
import type { VersionDirectory } from '#platform/projection/version-directory.ts';
import { createVersionReader } from '#platform/projection/version-reader.ts';
import { type Documents, definitionOf, versionDocuments, versionName } from '#platform/projection/versions.ts';
import { waitForPositions } from '#platform/projection/wait-for-positions.ts';
import {
  type Bucket,
  type HistogramCount,
  type HistogramQuery,
  type Hit,
  type IndexDefinition,
  IndexShapeDiffers,
  type SearchIndex,
  type SearchQuery,
  SearchTimedOut,
} from '#platform/search-index/search-index.ts';

/** The longest that a read waits for its projection. */
const WAIT_MS = 5_000;

export type TokenBearer = Pick<HttpRequest<unknown, unknown, unknown, Caller>, 'caller' | 'consistencyToken'>;

/** The documents of the version that a request reads, all that it reads. */
export type FreshDocuments = Pick<Documents, 'get' | 'range' | 'sizes' | 'counters'>;

type Besides = readonly ConsistencyEntry[];

/** The search of the version that a request reads. */
export interface FreshIndex {
  search(query: SearchQuery): Promise<Hit[]>;
  aggregate(field: string, query: Omit<SearchQuery, 'order' | 'limit' | 'after'>): Promise<Bucket[]>;
  histogram(query: HistogramQuery): Promise<HistogramCount[]>;
}

export interface Freshness {
  /**
   * Chooses the version of the read model that the request reads, and waits until it has what the request's token stands
   * for, and what is named besides; throws 422, or 503 when it takes too long. A stream that the read model has parked is
   * refused where a token names it: what is named besides is then no more waited for.
   */
  of(readModel: DocumentProjection, request: TokenBearer, besides?: Besides): Promise<FreshDocuments>;
  of(readModel: RowProjection, request: TokenBearer, besides?: Besides): Promise<FreshIndex>;
  /** What a version shows to a reader now. */
  positions(readModel: Projection, version: number): Promise<Positions>;
  /** Only checks the token: for reads that go to the log itself. */
  check(request: TokenBearer): void;
}

export interface FreshnessPorts {
  readonly tokens: ConsistencyTokens;
  readonly partitionOf: Bus['partitionOf'];
  readonly live: LiveChannel;
  readonly readStore: Documents;
  readonly searchIndex: Pick<SearchIndex, 'define' | 'positions' | 'refresh' | 'search' | 'aggregate' | 'histogram'>;
  readonly directory: VersionDirectory;
}

export function createFreshness(ports: FreshnessPorts): Freshness {
  const { tokens, partitionOf, live, readStore, searchIndex, directory } = ports;
  const defined = createDefiner(searchIndex);

  const positionsOf = async (readModel: Projection, version: number): Promise<Positions> => {
    const { name } = readModel;
    const versioned = versionName(name, version);
    if (readModel.kind === 'document') return versionDocuments(readStore, name, version).positions(versioned);
    const of = await defined(readModel.index, version);
    const { written, visible } = await searchIndex.positions(of, versioned);
    if ([...written].every(([partition, position]) => (visible.get(partition) ?? 0n) >= position)) return visible;
    await searchIndex.refresh(of);
    return (await searchIndex.positions(of, versioned)).visible;
  };

  const reader = createVersionReader({ directory, positionsOf });

  const entriesOf = ({ caller, consistencyToken }: TokenBearer): readonly ConsistencyEntry[] => {
    if (consistencyToken === undefined) return [];
    const reading = tokens.read(caller.holder, consistencyToken);
    if (reading.ok) return reading.entries;
    const errors = [{ in: 'header' as const, pointer: '/x-consistency-token', message: `is ${reading.reason}` }];
    throw new Problem(problems['invalid-consistency-token'], { detail: `The token is ${reading.reason}.`, errors });
  };

  const requireNotParked = async (version: string, entries: readonly ConsistencyEntry[]) => {
    for (const { stream } of entries) {
      const letter = await findDeadLetter(readStore, version, stream);
      if (letter)
        throw new Problem(problems['projection-parked'], {
          detail: `The read model ${nameOfGroup(version)} has parked ${stream}.`,
          headers: { 'retry-after': '30' },
        });
    }
  };

  /** Answers the version that the request reads. */
  const chosen = async (request: TokenBearer, readModel: Projection, besides: Besides): Promise<number> => {
    const { name, topics } = readModel;
    const isConsumed = ({ topic }: ConsistencyEntry) => topics.includes(topic);
    const entries = entriesOf(request).filter(isConsumed);
    const all = [...entries, ...besides.filter(isConsumed)];
    const version = await reader.choose(readModel);
    if (all.length === 0) return version;
    const wanted = all.map(({ topic, stream, position }) => ({
      topic,
      partition: partitionOf(topic, stream),
      position,
    }));
    const projection = versionName(name, version);
    const positions = () => positionsOf(readModel, version);
    const passed = await waitForPositions({ projection, topics, positions, live, wanted, timeoutMs: WAIT_MS });
    await requireNotParked(projection, entries);
    if (passed) return version;
    const detail = `The read model ${name} has not caught up within ${WAIT_MS / 1_000} s.`;
    throw new Problem(problems['not-caught-up'], { detail, headers: { 'retry-after': '1' } });
  };

  function of(readModel: DocumentProjection, request: TokenBearer, besides?: Besides): Promise<FreshDocuments>;
  function of(readModel: RowProjection, request: TokenBearer, besides?: Besides): Promise<FreshIndex>;
  async function of(
    readModel: Projection,
    request: TokenBearer,
    besides: Besides = [],
  ): Promise<FreshDocuments | FreshIndex> {
    const version = await chosen(request, readModel, besides);
    if (readModel.kind === 'document') return versionDocuments(readStore, readModel.name, version);
    const index = await defined(readModel.index, version);
    return {
      search: (query) => searchIndex.search(index, query).catch(tellTimedOut),
      aggregate: (field, query) => searchIndex.aggregate(index, field, query).catch(tellTimedOut),
      histogram: (query) => searchIndex.histogram(index, query).catch(tellTimedOut),
    };
  }

  return { of, positions: positionsOf, check: (request) => void entriesOf(request) };
}

function tellTimedOut(cause: unknown): never {
  if (!(cause instanceof SearchTimedOut)) throw cause;
  const detail =
    'The search was given up, as it took too long. Narrow it: to a range of time, a type, a status or a model, ' +
    'or to words that fewer have.';
  throw new Problem(problems['search-timed-out'], { detail, headers: { 'retry-after': '5' }, cause });
}

/** Answers the name of a version's index, once it is known to have this program's shape. */
function createDefiner(searchIndex: Pick<SearchIndex, 'define'>) {
  const known = new Map<string, Promise<void>>();
  return async (index: IndexDefinition, version: number): Promise<string> => {
    const definition = definitionOf(index, version);
    const { name } = definition;
    const defining = known.get(name) ?? searchIndex.define(definition);
    known.set(name, defining);
    try {
      await defining;
      return name;
    } catch (error) {
      known.delete(name);
      if (!(error instanceof IndexShapeDiffers)) throw error;
      const detail = `The read model ${index.name} is being built anew.`;
      throw new Problem(problems['not-caught-up'], { detail, headers: { 'retry-after': '5' } });
    }
  };
}
