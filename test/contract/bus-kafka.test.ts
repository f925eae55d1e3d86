import { expect } from 'chai';
import { describeOn } from '../services/describe-on.ts';
import { eventually } from '../support/eventually.ts';
import { openKafkaNamespace } from '../support/kafka-namespace.ts';
import { startKafkaFeeder } from '../support/kafka-feeder.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { busContract, PARTITIONS, type BusUnderTest } from './bus.contract.ts';

describeOn(['kafka', 'schema-registry'], 'bus on Kafka', (env) => {
  async function open(): Promise<BusUnderTest> {
    const store = createMemoryEventStore();
    const place = await openKafkaNamespace({ env, partitions: PARTITIONS, generation: store.generation });
    const feeder = await startKafkaFeeder({ ...place, store, partitions: PARTITIONS });
    return {
      store,
      openBus: () => place.openBus(),
      carrierFailed: feeder.failed,
      carried: () => eventually(async () => expect(feeder.position() === (await store.head())).to.equal(true)),
      async close() {
        await feeder.stop();
        await place.close();
        await store.close();
      },
    };
  }

  busContract('Kafka', open, { reads: 'partitions', adversarialRuns: 3 });
});
