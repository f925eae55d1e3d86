// The search index on Elasticsearch 8 or 9, shared by any number of processes. A write is durable when it resolves and
// visible after a refresh: each second by itself, or when a reader asks for one.

import type { estypes } from '@elastic/elasticsearch';
import { ElasticsearchRefused, ElasticsearchSlow } from '../elasticsearch/elasticsearch-errors.ts';
import { type ElasticsearchOptions, openElasticsearch, type Patience } from '../elasticsearch/open-elasticsearch.ts';
import { isDocumentRefused } from '../document-refused.ts';
import { StartError } from '../errors.ts';
import { type GenerationMark, otherGeneration } from '../log-generation.ts';
import {
  checkAggregation,
  checkDefinition,
  checkHistogram,
  checkLimit,
  checkName,
  checkQuery,
  checkWrite,
} from './check-index.ts';
import { countOverTime, countValues } from './elasticsearch-aggregate.ts';
import { createIndexMarks } from './elasticsearch-generation.ts';
import {
  hasShape,
  hasText,
  type IndexSettings,
  isForgetful,
  sourceField,
  toIndexBody,
} from './elasticsearch-mapping.ts';
import { createIndexPositions, type IndexPositions } from './elasticsearch-positions.ts';
import {
  isBehindAll,
  isDocument,
  type StoredSource,
  toDigest,
  toFilters,
  toHit,
  toPage,
} from './elasticsearch-query.ts';
import { writeDocuments } from './elasticsearch-writer.ts';
import {
  type IndexDefinition,
  IndexMisused,
  IndexShapeDiffers,
  type SearchIndex,
  SearchTimedOut,
  searchWithinMs as usualTime,
} from './search-index.ts';

export interface ElasticsearchSearchIndexOptions extends ElasticsearchOptions, IndexSettings {
  /** Default: the port's. */
  readonly searchWithinMs?: number;
}

export interface ElasticsearchSearchIndex extends SearchIndex, GenerationMark {
  /** Rejects with a sentence unless the server answers now. */
  health(): Promise<void>;
}

interface KnownIndex {
  readonly definition: IndexDefinition;
  readonly alias: string;
  readonly positions: IndexPositions;
}

/** Milliseconds: for one try of what changes an index; until when a search is sent again to a server that is away. */
const DEFINE_MS = 30_000;
const SEARCH_AGAIN_MS = 2_000;
const LOOK: Patience = { tryMs: 5_000, retryMs: 10_000 };

/** Waits for a server that is absent; rejects with a `StartError` for wrong credentials. */
export async function openElasticsearchSearchIndex(
  options: ElasticsearchSearchIndexOptions,
): Promise<ElasticsearchSearchIndex> {
  const { namespace, searchWithinMs = usualTime } = options;
  const link = await openElasticsearch(options);
  const known = new Map<string, KnownIndex>();
  const marks = createIndexMarks(link, namespace);
  /** As claimed; each index is marked when it is made. */
  let ownGeneration: string | undefined;
  const nameOf = (index: string) => `${namespace}-search-${index}`;
  const aliasOf = (index: string) => `${nameOf(index)}.documents`;

  function indexCalled(index: string): KnownIndex {
    const found = known.get(index);
    if (!found) throw new IndexMisused(`the index ${index} is not defined`);
    return found;
  }

  /** Undefined when there is none. */
  async function stateOf(name: string): Promise<estypes.IndicesIndexState | undefined> {
    try {
      const found = await link.persistently((client, tried) => client.indices.get({ index: name }, tried), DEFINE_MS);
      return found[name];
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async function make(definition: IndexDefinition, name: string, alias: string): Promise<void> {
    const body = toIndexBody(definition, alias, options);
    if (ownGeneration !== undefined) body.aliases = { ...body.aliases, [marks.markOf(ownGeneration)]: {} };
    try {
      await link.persistently(
        (client, tried) => client.indices.create({ index: name, timeout: '20s', ...body }, tried),
        DEFINE_MS,
      );
    } catch (error) {
      // Made by another process, or by a try of ours whose answer was lost.
      if (!(error instanceof ElasticsearchRefused) || error.type !== 'resource_already_exists_exception') throw error;
    }
  }

  /** One without a mark gets it: it was made by an older program. */
  async function checkMark(name: string, { aliases }: estypes.IndicesIndexState): Promise<void> {
    if (ownGeneration === undefined) return;
    const held = marks.heldBy(aliases);
    if (held === undefined) await marks.set(name, ownGeneration);
    else if (held !== ownGeneration) throw otherGeneration(`index ${name} (Elasticsearch)`, held, ownGeneration);
  }

  /** An index that somebody made anew with another mapping may refuse any document, for no fault of theirs. */
  async function checkShape(definition: IndexDefinition): Promise<void> {
    const name = nameOf(definition.name);
    const found = await link.call((client, tried) => client.indices.get({ index: name }, tried), LOOK);
    const state = found[name];
    if (!state || !hasShape(state, definition, aliasOf(definition.name))) throw new IndexShapeDiffers(definition.name);
  }

  /** Reads all there is to find or nothing: a search over a part of the shards would be a wrong answer. */
  async function run<T = unknown>(index: string, body: estypes.SearchRequest): Promise<estypes.SearchResponse<T>> {
    const request = {
      index: aliasOf(index),
      allow_partial_search_results: false,
      track_total_hits: false,
      timeout: `${Math.ceil(searchWithinMs * 0.9)}ms`,
      ...body,
    };
    try {
      const patience = { tryMs: searchWithinMs, retryMs: Math.min(SEARCH_AGAIN_MS, searchWithinMs) };
      const answer = await link.call((client, tried) => client.search<T>(request, tried), patience);
      if (answer.timed_out) throw new SearchTimedOut('the search took too long and was given up');
      return answer;
    } catch (error) {
      if (error instanceof ElasticsearchSlow) throw new SearchTimedOut(error.message);
      throw isMissing(error) ? new IndexMisused(`the index ${index} is not there any more`) : error;
    }
  }

  return {
    async define(definition) {
      checkDefinition(definition);
      const [name, alias] = [nameOf(definition.name), aliasOf(definition.name)];
      let state = await stateOf(name);
      if (!state) {
        await make(definition, name, alias);
        state = await stateOf(name);
      }
      if (state) await checkMark(name, state);
      if (!state || !hasShape(state, definition, alias)) throw new IndexShapeDiffers(definition.name);
      if (isForgetful(state)) {
        throw new StartError(
          `The index ${name} on Elasticsearch may lose writes: set index.translog.durability to request.`,
        );
      }
      known.set(definition.name, { definition, alias, positions: createIndexPositions(link, alias) });
    },

    async apply(index, writes, checkpoint) {
      const { definition, alias, positions } = indexCalled(index);
      for (const write of writes) checkWrite(definition, write);
      // Read meanwhile, moved after: a position never runs ahead of its documents.
      const moves = checkpoint !== undefined && checkpoint.positions.size > 0;
      const found = moves ? positions.read() : undefined;
      found?.catch(() => undefined);
      await writeDocuments(link, alias, definition, writes).catch(async (error: unknown) => {
        if (isDocumentRefused(error)) await checkShape(definition);
        throw error;
      });
      if (moves) await positions.move(checkpoint.projection, checkpoint.positions, found);
    },

    async search(index, query) {
      const { definition } = indexCalled(index);
      checkQuery(definition, query);
      checkLimit(definition, query.limit);
      const filter = toFilters(definition, query);
      if (!filter || isBehindAll(query)) return [];
      const { hits } = await run<StoredSource>(index, { query: { bool: { filter } }, ...toPage(definition, query) });
      return hits.hits.map(({ _source }) => toHit(definition, _source!));
    },

    async aggregate(index, field, query) {
      const { definition } = indexCalled(index);
      checkQuery(definition, query);
      checkAggregation(definition, field);
      const filter = toFilters(definition, query);
      return filter ? countValues((body) => run(index, body), field, filter) : [];
    },

    async histogram(index, query) {
      const { definition } = indexCalled(index);
      const tally = checkHistogram(definition, query);
      const { from, to, width } = query;
      const filter = from < to ? toFilters(definition, query) : undefined;
      if (!filter) return [];
      const inRange = { range: { [sourceField(tally.over)]: { gte: from, lt: to } } };
      return countOverTime((body) => run(index, body), tally, width, [...filter, inRange]);
    },

    async digests(index, { limit, after }) {
      const { definition } = indexCalled(index);
      checkLimit(definition, limit);
      const { hits } = await run<StoredSource>(index, {
        query: { bool: { filter: isDocument(definition) } },
        size: limit,
        sort: [{ id: { order: 'asc' } }],
        ...(hasText(definition) && { _source: ['id', 'rev', 'digest'] }),
        ...(after !== undefined && { search_after: [after.toWellFormed()] }),
      });
      return hits.hits.map(({ _source }) => toDigest(definition, _source!));
    },

    positions: async (index, projection) => indexCalled(index).positions.of(projection),
    refresh: async (index) => indexCalled(index).positions.refresh(),

    async drop(index) {
      checkName(index);
      known.delete(index);
      await link.persistently(
        (client, tried) => client.indices.delete({ index: nameOf(index) }, { ...tried, ignore: [404] }),
        DEFINE_MS,
      );
    },

    async publish(name, index) {
      checkName(name);
      const { definition } = indexCalled(index);
      const alias = `${namespace}-${name}`;
      const own = nameOf(index);
      const found = await link.persistently(
        (client, tried) => client.indices.getAlias({ name: alias }, { ...tried, ignore: [404] }),
        DEFINE_MS,
      );
      const holders = Object.entries(found).flatMap(([holder, state]) => (state?.aliases?.[alias] ? [holder] : []));
      if (holders.length === 1 && holders[0] === own) return;
      const others = holders.filter((holder) => holder !== own);
      const actions = [
        ...others.map((holder) => ({ remove: { index: holder, alias, must_exist: false } })),
        // Without tombstones and positions.
        { add: { index: own, alias, filter: isDocument(definition) } },
      ];
      await link.persistently((client, tried) => client.indices.updateAliases({ actions }, tried), DEFINE_MS);
    },

    /** An index is marked when it is made: while there is none, there is no mark. */
    async claim(generation) {
      ownGeneration = generation;
      const [other] = await marks.others(generation);
      return other?.held ?? generation;
    },
    async startOver(generation) {
      ownGeneration = generation;
      await marks.removeOthers(generation);
    },

    health: () => link.health(),
    close: () => link.close(),
  };
}

const isMissing = (error: unknown) => error instanceof ElasticsearchRefused && error.status === 404;
