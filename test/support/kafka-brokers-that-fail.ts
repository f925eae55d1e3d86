// kafkajs's own producer over brokers in memory that lose connections, answer late and give their partitions away, as the
// test decides. They number records as Kafka does, so that a batch sent again with its number is written once.

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { createRequire } from 'node:module';
import type { Kafka, Message, Producer, ProducerConfig } from 'kafkajs';

const require = createRequire(import.meta.url);
const createProducer = require('kafkajs/src/producer') as (options: object) => Producer;
const { KafkaJSConnectionError, KafkaJSProtocolError } = require('kafkajs/src/errors') as {
  KafkaJSConnectionError: new (message: string) => Error;
  KafkaJSProtocolError: new (error: Error) => Error;
};

export type Fault = 'none' | 'lost before' | 'lost after' | 'late' | 'leader moves' | 'leader moves, late';

/** Longer than kafkajs waits before its second try. */
const LATE_MS = 12;

interface Batch {
  readonly firstSequence: number;
  readonly values: readonly string[];
}

interface ProduceRequest {
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      readonly messages: readonly Message[];
    }[];
  }[];
}

const protocolError = (type: string, retriable: boolean) =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 0, retriable }));

/** `faults` are met in order, one by each request that writes; after the last there are none. */
export function createFailingBrokers(
  topics: Readonly<Record<string, number>>,
  brokers: number,
  faults: readonly Fault[],
) {
  const left = [...faults];
  const logs = new Map<string, Batch[]>();
  const leaders = new Map<string, number>();
  let known = new Map<string, number>();
  let adding = false;
  for (const [topic, partitions] of Object.entries(topics)) {
    for (let partition = 0; partition < partitions; partition++)
      leaders.set(`${topic}/${partition}`, partition % brokers);
  }
  const moveOne = () => {
    const [place, leader] = [...leaders][left.length % leaders.size] as [string, number];
    leaders.set(place, (leader + 1) % brokers);
  };

  async function produce(nodeId: number, { topicData }: ProduceRequest) {
    const fault = left.shift() ?? 'none';
    if (fault.startsWith('leader moves')) moveOne();
    await (fault.endsWith('late') ? sleep(LATE_MS) : turn());
    if (fault === 'lost before') throw new KafkaJSConnectionError('lost');
    let isLed = true;
    const answer = topicData.map(({ topic, partitions }) => ({
      topicName: topic,
      partitions: partitions.map(({ partition, firstSequence, messages }) => {
        const place = `${topic}/${partition}`;
        const log = logs.get(place) ?? [];
        logs.set(place, log);
        const isMine = leaders.get(place) === nodeId;
        isLed &&= isMine;
        const isRepeat = log.some((batch) => batch.firstSequence === firstSequence);
        if (isMine && !isRepeat) log.push({ firstSequence, values: messages.map(({ value }) => String(value)) });
        return { partition, errorCode: 0, baseOffset: String(log.length) };
      }),
    }));
    if (!isLed) throw protocolError('NOT_LEADER_FOR_PARTITION', true);
    if (fault === 'lost after') throw new KafkaJSConnectionError('lost');
    return { topics: answer };
  }

  const coordinator = {
    initProducerId: async () => ({ producerId: 1, producerEpoch: 0 }),
    async addPartitionsToTxn() {
      if (adding) throw protocolError('CONCURRENT_TRANSACTIONS', true);
      adding = true;
      await turn();
      adding = false;
    },
    endTxn: async () => undefined,
  };
  const nodes = Array.from({ length: brokers }, (_, nodeId) => ({
    nodeId,
    produce: (request: ProduceRequest) => produce(nodeId, request),
  }));
  const cluster = {
    retry: {},
    targetTopics: new Set(Object.keys(topics)),
    connect: async () => undefined,
    disconnect: async () => undefined,
    isConnected: () => true,
    removeBroker: () => undefined,
    addMultipleTargetTopics: async () => undefined,
    refreshMetadata: async () => void (known = new Map(leaders)),
    refreshMetadataIfNecessary: async () => undefined,
    findTopicPartitionMetadata: (topic: string) =>
      Array.from({ length: topics[topic] ?? 0 }, (_, partitionId) => ({ partitionId })),
    findLeaderForPartitions: (topic: string, partitions: readonly string[]) =>
      Object.groupBy(partitions.map(Number), (partition) => known.get(`${topic}/${partition}`) ?? -1),
    findBroker: async ({ nodeId }: { readonly nodeId: string }) => nodes[Number(nodeId)],
    findGroupCoordinator: async () => coordinator,
  };
  known = new Map(leaders);
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const logger = { ...silent, namespace: () => silent };
  const kafka = {
    producer: (options: ProducerConfig) => createProducer({ ...options, cluster, logger }),
    admin: () => ({
      connect: async () => undefined,
      disconnect: async () => undefined,
      fetchTopicMetadata: async () => ({
        topics: Object.entries(topics).map(([name, partitions]) => ({
          name,
          partitions: Array.from({ length: partitions }, (_, partitionId) => ({
            partitionId,
            leader: leaders.get(`${name}/${partitionId}`) ?? -1,
          })),
        })),
      }),
    }),
  };
  return {
    kafka: kafka as unknown as Kafka,
    /** What a transaction that committed would show. */
    written: () => [...logs.values()].flatMap((log) => log.flatMap(({ values }) => values)),
  };
}
