// A member of a group in a process of its own, to be killed: prints the number of each event that it is given.
// Arguments: namespace, group, partitions, acknowledges (yes or no). Environment: KAFKA_BROKERS, SCHEMA_REGISTRY_URL.

import { openKafkaBus } from '#platform/bus/kafka-bus.ts';
import { openEventSchemas } from '#platform/kafka/event-schemas.ts';
import { countedSchema, TEST_TOPICS } from './kafka-namespace.ts';
import { createQuietLog } from './quiet-log.ts';

const [namespace = '', group = '', partitions = '', acknowledges = ''] = process.argv.slice(2);
const log = createQuietLog();
const schemas = openEventSchemas({ url: process.env['SCHEMA_REGISTRY_URL'] ?? '', released: [countedSchema], log });
const bus = await openKafkaBus({
  kafka: { brokers: (process.env['KAFKA_BROKERS'] ?? '').split(','), clientId: 'child' },
  namespace,
  topics: TEST_TOPICS,
  partitions: Number(partitions),
  generation: 'first',
  schemas,
  read: (event) => event,
  log,
});
await bus.consume({
  group,
  topics: TEST_TOPICS,
  maxBatch: 10,
  async handle(batch, ack) {
    for (const delivery of batch) {
      process.stdout.write(`${(delivery.event.data as { number: number }).number}\n`);
      if (acknowledges === 'yes') ack(delivery);
    }
  },
});
