// The positions of an index's projections, and which of them a search sees. They are one document, read by id (which sees
// what is written at once) and replaced only in the state it was read in, so that no writer moves them back. A position is
// visible once a refresh has ended that began after the position was read: only then has every copy of every shard opened
// the documents that were written before it.

import { randomUUID } from 'node:crypto';
import { backOff, pause } from '../patience/back-off.ts';
import type { Positions } from '../positions.ts';
import { ElasticsearchRefused, ElasticsearchUnavailable } from '../elasticsearch/elasticsearch-errors.ts';
import type { ElasticsearchLink, Patience } from '../elasticsearch/open-elasticsearch.ts';
import { positionsId } from './elasticsearch-mapping.ts';

const READ: Patience = { tryMs: 5_000, retryMs: 2_000 };
const WRITE: Patience = { tryMs: 10_000, retryMs: 30_000 };
const REFRESH: Patience = { tryMs: 10_000, retryMs: 2_000 };
/** Of writers that were quicker; each has moved its own positions meanwhile. */
const MOST_CONFLICTS = 100;
type ByProjection = ReadonlyMap<string, Positions>;

interface StoredPositions {
  /** Differs when the index was dropped and made anew: what was visible in the other one says nothing of this one. */
  readonly generation: string;
  readonly projections: ByProjection;
}

/** Absent: the document has not been written yet. */
interface ReadPositions {
  readonly stored?: StoredPositions;
  readonly state?: { readonly if_seq_no: number; readonly if_primary_term: number };
}

interface PositionsSource {
  readonly positions: {
    readonly generation: string;
    readonly projections: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

export interface IndexPositions {
  /** Moves them forward, where they are behind. `found` is what a read just before said, if there was one. */
  move(projection: string, positions: Positions, found?: Promise<ReadPositions>): Promise<void>;
  read(): Promise<ReadPositions>;
  of(projection: string): Promise<{ readonly written: Positions; readonly visible: Positions }>;
  refresh(): Promise<void>;
}

export function createIndexPositions(link: ElasticsearchLink, alias: string): IndexPositions {
  let seen: StoredPositions | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const read = () =>
    link.call(async (client, options): Promise<ReadPositions> => {
      const { _source, _seq_no, _primary_term, found } = await client.get<PositionsSource>(
        { index: alias, id: positionsId, realtime: true },
        { ...options, ignore: [404] },
      );
      if (found === undefined) throw new ElasticsearchRefused(404, 'index_not_found_exception');
      if (!_source || _seq_no === undefined || _primary_term === undefined) return {};
      return { stored: fromSource(_source), state: { if_seq_no: _seq_no, if_primary_term: _primary_term } };
    }, READ);

  /** False when another writer was quicker. */
  async function replace(stored: StoredPositions, state: ReadPositions['state']): Promise<boolean> {
    const condition = state ?? { op_type: 'create' as const };
    try {
      await link.call(
        (client, options) =>
          client.index<PositionsSource>(
            { index: alias, id: positionsId, require_alias: true, document: toSource(stored), ...condition },
            options,
          ),
        WRITE,
      );
      return true;
    } catch (error) {
      if (error instanceof ElasticsearchRefused && error.status === 409) return false;
      throw error;
    }
  }

  async function refreshOnce(): Promise<void> {
    const { stored } = await read();
    await link.call(async (client, options) => {
      const { _shards } = await client.indices.refresh({ index: alias }, options);
      if (_shards && _shards.failed > 0) {
        throw new ElasticsearchUnavailable(`Elasticsearch at ${link.server} could not refresh ${alias} everywhere`);
      }
    }, REFRESH);
    if (!stored) return;
    const before = seen?.generation === stored.generation ? seen.projections : new Map<string, Positions>();
    seen = { ...stored, projections: mergeAll(before, stored.projections) };
  }

  async function start(): Promise<void> {
    running = refreshOnce();
    try {
      await running;
    } finally {
      running = undefined;
    }
  }

  return {
    read,
    async move(projection, positions, found) {
      if (positions.size === 0) return;
      for (let round = 1; round <= MOST_CONFLICTS; round++) {
        const { stored, state } = await (found ?? read());
        found = undefined;
        const known = stored ?? { generation: randomUUID(), projections: new Map<string, Positions>() };
        const merged = merge(known.projections.get(projection), positions);
        if (!merged) return;
        const projections = new Map([...known.projections, [projection, merged]]);
        if (await replace({ ...known, projections }, state)) return;
        await pause(backOff(round, 2, 100) * Math.random());
      }
      throw new ElasticsearchUnavailable(`the positions of ${projection} in ${alias} are written by too many at once`);
    },
    async of(projection) {
      const { stored } = await read();
      const isSame = stored !== undefined && seen?.generation === stored.generation;
      return {
        written: stored?.projections.get(projection) ?? new Map(),
        visible: (isSame && seen?.projections.get(projection)) || new Map(),
      };
    },
    /** A refresh under way may have begun before what the caller wants to see: it waits for the next one, with others. */
    refresh() {
      if (!running) return start();
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = undefined;
          return start();
        });
      return next;
    },
  };
}

/** `undefined` when nothing moves forward. */
function merge(known: Positions = new Map(), moved: Positions): Positions | undefined {
  const ahead = [...moved].filter(([partition, position]) => position > (known.get(partition) ?? -1n));
  return ahead.length > 0 ? new Map([...known, ...ahead]) : undefined;
}

function mergeAll(known: ByProjection, moved: ByProjection): ByProjection {
  const merged = new Map(known);
  for (const [projection, positions] of moved) {
    merged.set(projection, merge(known.get(projection), positions) ?? known.get(projection) ?? new Map());
  }
  return merged;
}

/** Positions as text: JSON's numbers lose digits beyond 2^53. */
function toSource({ generation, projections }: StoredPositions): PositionsSource {
  const plain = [...projections].map(([projection, positions]) => [
    projection,
    Object.fromEntries([...positions].map(([partition, position]) => [partition, String(position)])),
  ]);
  return { positions: { generation, projections: Object.fromEntries(plain) } };
}

function fromSource({ positions: { generation, projections } }: PositionsSource): StoredPositions {
  const read = Object.entries(projections).map(([projection, positions]): [string, Positions] => [
    projection,
    new Map(Object.entries(positions).map(([partition, position]) => [partition, BigInt(position)])),
  ]);
  return { generation, projections: new Map(read) };
}
