// The topics that Defter needs: made by migrate, looked at by every service when it starts.

import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs';
import { StartError } from '../errors.ts';
import { persist } from '../patience/persist.ts';

// kafkajs is CommonJS: Node finds no named export for this one.
const { ConfigResourceTypes } = kafkajs;

type Settings = Readonly<Record<string, string>>;

/** Events are kept for ever: the log can be read again from Kafka by whoever comes new. */
const EVENT_SETTINGS: Settings = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };

/** Small segments, soon compacted: a relay that starts reads little. */
const CHECKPOINT_SETTINGS: Settings = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(4 * 1_048_576),
  'min.cleanable.dirty.ratio': '0.1',
};

const CREATE_WITHIN_MS = 30_000;

export interface MigrateTopicsOptions {
  readonly admin: Admin;
  /** Of events, as they are called on the server. */
  readonly topics: readonly string[];
  /** Of each topic of events. */
  readonly partitions: number;
  /** Default: as the server is set. */
  readonly replication?: number;
  /** Where the relay keeps its place: one partition, compacted. */
  readonly checkpointTopic: string;
}

/**
 * Makes what is missing and mends settings that would lose events; may be run again at any time. Rejects with `StartError`
 * when a topic has another number of partitions (a stream would move to another partition and lose its order) or another
 * cleanup policy: that is for a person to decide.
 */
export async function migrateTopics(options: MigrateTopicsOptions): Promise<void> {
  const { admin, topics, partitions, replication = -1, checkpointTopic } = options;
  const wanted = [
    ...topics.map((topic) => ({ topic, partitions, settings: EVENT_SETTINGS })),
    { topic: checkpointTopic, partitions: 1, settings: CHECKPOINT_SETTINGS },
  ];
  const there = await partitionCounts(
    admin,
    wanted.map(({ topic }) => topic),
  );
  const missing = wanted.filter(({ topic }) => !there.has(topic));
  if (missing.length > 0) {
    await admin.createTopics({
      // kafkajs's own waiting fails where a broker does not know the topic yet.
      waitForLeaders: false,
      timeout: CREATE_WITHIN_MS,
      topics: missing.map(({ topic, partitions, settings }): ITopicConfig => ({
        topic,
        numPartitions: partitions,
        replicationFactor: replication,
        configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
      })),
    });
    await untilLed(
      admin,
      missing.map(({ topic }) => topic),
    );
  }
  const old = wanted.filter(({ topic }) => there.has(topic));
  const faults = old.flatMap(({ topic, partitions }) => wrongCount(topic, partitions, there.get(topic)));
  if (faults.length > 0) throw new StartError(faults, 'wrong-partitions');
  for (const { topic, settings } of old) await mendSettings(admin, topic, settings);
}

/**
 * Rejects with `StartError`, naming each topic that is missing or has another number of partitions; its code is
 * `missing-topics` when nothing else is wrong.
 */
export async function checkTopics(admin: Admin, topics: readonly string[], partitions: number): Promise<void> {
  const there = await partitionCounts(admin, topics);
  const faults = topics.flatMap((topic) => wrongCount(topic, partitions, there.get(topic)));
  const areOnlyMissing = topics.every((topic) => [undefined, partitions].includes(there.get(topic)));
  if (faults.length > 0) throw new StartError(faults, areOnlyMissing ? 'missing-topics' : 'wrong-partitions');
}

function wrongCount(topic: string, wanted: number, count: number | undefined): string[] {
  if (count === wanted) return [];
  if (count === undefined) return [`Kafka has no topic ${topic}: run \`node main.ts migrate\``];
  return [
    `Kafka's topic ${topic} has ${count} partitions, it must have ${wanted}: their number cannot change once events are there`,
  ];
}

/** Resolves when each partition can be written. */
async function untilLed(admin: Admin, topics: readonly string[]): Promise<void> {
  const look = async () => {
    const { topics: metadata } = await admin.fetchTopicMetadata({ topics: [...topics] });
    const partitions = metadata.flatMap((topic) => topic.partitions);
    const areLed = metadata.length === topics.length && partitions.every(({ leader }) => leader >= 0);
    if (!areLed) throw new Error(`Kafka has no leaders for ${topics.join(', ')}`);
  };
  await persist(look, undefined, () => undefined, {
    isHopeless: () => false,
    waitMs: () => 50,
    until: performance.now() + CREATE_WITHIN_MS,
  });
}

/** Partitions of those of the topics that exist. */
async function partitionCounts(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const existing = new Set(await admin.listTopics());
  const known = topics.filter((topic) => existing.has(topic));
  if (known.length === 0) return new Map();
  const { topics: metadata } = await admin.fetchTopicMetadata({ topics: known });
  return new Map(metadata.map(({ name, partitions }) => [name, partitions.length]));
}

const TOPIC_SETTING = 1; // a config entry's source, in Kafka's protocol: set for this topic

async function mendSettings(admin: Admin, topic: string, wanted: Settings): Promise<void> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
  });
  const entries = resources[0]?.configEntries ?? [];
  const now = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  const policy = now.get('cleanup.policy');
  if (policy !== wanted['cleanup.policy']) {
    throw new StartError(
      `Kafka's topic ${topic} has cleanup.policy ${policy}, it must be ${wanted['cleanup.policy']}`,
      'wrong-topic-settings',
    );
  }
  if (Object.entries(wanted).every(([name, value]) => now.get(name) === value)) return;
  // This request replaces all settings of the topic: those that somebody made stay.
  const made = entries.filter(({ configSource }) => (configSource as number) === TOPIC_SETTING);
  const kept = made.filter(({ configName }) => !(configName in wanted));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: [
          ...kept.map(({ configName, configValue }) => ({ name: configName, value: configValue })),
          ...Object.entries(wanted).map(([name, value]) => ({ name, value })),
        ],
      },
    ],
  });
}
