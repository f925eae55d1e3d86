// Events and streams of no meaning, in two topics, for tests and measurements of the relay.

import { randomUUID } from 'node:crypto';
import type { NewEvent } from '#events/envelope.ts';
import { partitionOfKey } from '#platform/bus/partition.ts';

export const RELAY_TOPICS = ['defter.alpha', 'defter.beta'] as const;
export const RELAY_PARTITIONS = 3;

export const relayTopicOf = (stream: string): string | undefined =>
  RELAY_TOPICS.find((topic) => topic === `defter.${stream.slice(0, stream.indexOf('-'))}`);

export const relayPartitionOf = (_topic: string, stream: string): number => partitionOfKey(stream, RELAY_PARTITIONS);

export const relaySchemas = [
  {
    type: 'Counted',
    version: 1,
    schema: {
      type: 'record',
      name: 'Counted',
      namespace: 'defter.relay.test',
      fields: [
        { name: 'number', type: 'long' },
        { name: 'text', type: 'string' },
      ],
    },
  },
] as const;

export const countedEvent = (number: number, text = ''): NewEvent => ({
  id: randomUUID(),
  type: 'Counted',
  data: { number, text },
  metadata: {
    tenantId: '0190a4f2-6f6c-7d3e-9c3b-0f7e4b3a2d11',
    actor: { kind: 'system', id: 'test' },
    $correlationId: '0190a4f2-6f6c-7d3e-9c3b-0f7e4b3a2d12',
    $causationId: '0190a4f2-6f6c-7d3e-9c3b-0f7e4b3a2d13',
    schemaVersion: 1,
  },
});
