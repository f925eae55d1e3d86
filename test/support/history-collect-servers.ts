// What the servers of a distributed Defter hold once it is quiet: the log, the records in Kafka, the documents in Redis,
// the rows in Elasticsearch, each read as a client of that server would, past Defter's services.

import type { RecordedEvent } from '#events/envelope.ts';
import { projections } from '#events/projection.ts';
import { type Config, parseConfig } from '#platform/config.ts';
import { createEventMessages } from '#platform/kafka/event-message.ts';
import { openEventSchemas } from '#platform/kafka/event-schemas.ts';
import { physicalTopic } from '#platform/kafka/physical-name.ts';
import { openPlatform } from '#platform/platform.ts';
import { versionIndex, definitionOf } from '#platform/projection/versions.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { readCheckpointRecord } from '#platform/relay/kafka-checkpoint.ts';
import { relayCheckpointTopic } from '#platform/relay/kafka-relay-target.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import { eventLanguage } from '../../compose/event-language.ts';
import { everyReadModel } from '../../projectors/read-models.ts';
import type { RelayedRecord } from './check-relayed.ts';
import { documentKeyOf } from './history-collect.ts';
import type { IndexRow, ReadModels, Relayed } from './history.ts';
import { createQuietLog } from './quiet-log.ts';
import { readTopics } from './relay-kafka.ts';

const PAGE = 1_000;

export function configOf(env: Readonly<Record<string, string>>): Config {
  const result = parseConfig(env);
  if (!result.ok) throw new Error(result.faults.join(' '));
  return result.config;
}

/** The log, the read store and the search index. */
export async function openStores(config: Config) {
  const platform = await openPlatform({ config, events: eventLanguage, log: createQuietLog() });
  const ports = await platform.use(['store', 'readStore', 'searchIndex']);
  return { ...ports, close: () => platform.close() };
}

/** Which version of each projection is read, by its own stream. */
export function liveVersionsOf(log: readonly RecordedEvent[]): (projection: string) => number {
  const states = new Map(
    everyReadModel.map(({ name }) => [
      name,
      log.filter(({ stream }) => stream === projections.stream(name)).reduce(projections.evolve, projections.initial),
    ]),
  );
  return (projection) => (states.get(projection) ?? projections.initial).live;
}

export async function readAllDocuments(
  store: Pick<ReadStore, 'scan'>,
  live: (projection: string) => number,
): Promise<ReadModels['documents']> {
  const documents = new Map<string, ReadModels['documents'][number]>();
  let cursor: string | undefined;
  do {
    const page = await store.scan('', { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    for (const one of page.documents) {
      const key = documentKeyOf(one.key, live);
      if (key !== undefined) documents.set(key, { key, revision: one.revision, value: one.value });
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return [...documents.values()];
}

export async function readAllRows(
  index: Pick<SearchIndex, 'define' | 'refresh' | 'search'>,
  live: (projection: string) => number,
): Promise<IndexRow[]> {
  const rows: IndexRow[] = [];
  for (const readModel of everyReadModel) {
    if (readModel.kind === 'document') continue;
    const definition = readModel.index;
    const version = live(definition.name);
    const name = versionIndex(definition.name, version);
    await index.define(definitionOf(definition, version));
    await index.refresh(name);
    for (let after: { sort: number; id: string } | undefined; ;) {
      const query = { partition: undefined, order: 'ascending', limit: PAGE } as const;
      const hits = await index.search(name, { ...query, ...(after && { after }) });
      for (const { id, revision, fields } of hits) rows.push({ key: `${definition.name}/${id}`, revision, fields });
      const last = hits.at(-1);
      if (!last || hits.length < PAGE) break;
      after = { sort: last.sort, id: last.id };
    }
  }
  return rows;
}

export async function readAllRelayed(config: Config): Promise<Relayed> {
  const { kafkaBrokers: brokers = [], schemaRegistryUrl: registry = '', namespace, partitions } = config;
  const schemas = openEventSchemas({ url: registry, released: eventLanguage.released(), log: createQuietLog() });
  const messages = createEventMessages({ schemas, generation: '' });
  const names = new Map(eventLanguage.topics.map((topic) => [physicalTopic(namespace, topic), topic]));
  const checkpointTopic = relayCheckpointTopic(namespace);
  try {
    const records: Record<string, RelayedRecord[]> = {};
    let checkpoint = 0n;
    for (const { topic, partition, message } of await readTopics({ brokers, registry }, [
      ...names.keys(),
      checkpointTopic,
    ])) {
      const name = names.get(topic);
      if (name === undefined) {
        const record = readCheckpointRecord(topic, message);
        if (!('claim' in record)) checkpoint = record.position;
        continue;
      }
      const { id, type, stream, revision, position, data } = await messages.decode(message);
      (records[`${name}/${partition}`] ??= []).push({ id, type, stream, revision, position, data });
    }
    return { records, checkpoint, partitions };
  } finally {
    schemas.close();
  }
}
