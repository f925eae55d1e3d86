import type { Kafka } from 'kafkajs';

export const placeOf = (topic: string, partition: number) => `${topic}/${partition}`;

/** The broker that leads each partition, by `placeOf`; without those that have no leader now. */
export async function fetchLeaders(kafka: Kafka, topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const found = await admin.fetchTopicMetadata({ topics: [...topics] });
    return new Map(
      found.topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ leader }) => leader >= 0)
          .map(({ partitionId, leader }) => [placeOf(name, partitionId), leader] as const),
      ),
    );
  } finally {
    await admin.disconnect();
  }
}
