// The target in memory that other tests use must be as good a target as Kafka.

import { createMemoryRelayLog } from '../support/memory-relay-target.ts';
import { relayTargetContract } from './relay-target.contract.ts';

relayTargetContract('in memory', async () => {
  const log = createMemoryRelayLog({ maxEvents: 5_000, maxBytes: 200_000, maxPartitionBytes: 100_000 });
  return { open: () => log.open(), records: async () => log.records, close: () => Promise.resolve() };
});
