import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import { StartError } from '#platform/errors.ts';
import { createKafka } from '#platform/kafka/create-kafka.ts';
import { relayCheckpointTopic } from '#platform/relay/kafka-relay-target.ts';
import type { RelayTarget } from '#platform/relay/relay-target.ts';
import { describeOn } from '../services/describe-on.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import {
  migrateRelay,
  newRelayNamespace,
  openRelayTarget,
  readRelayed,
  relayServers,
  removeRelay,
} from '../support/relay-kafka.ts';
import { countedEvent, relayPartitionOf } from '../support/relay-language.ts';
import { freePort } from '../services/free-port.ts';
import { eventually } from '../support/eventually.ts';
import { relayTargetContract } from './relay-target.contract.ts';

describeOn(['kafka', 'schema-registry'], 'relay target: Kafka', (env) => {
  const servers = relayServers(env);
  const forever = new AbortController().signal;

  relayTargetContract('Kafka', async () => {
    const namespace = newRelayNamespace();
    await migrateRelay(servers, namespace);
    return {
      open: () => openRelayTarget(servers, namespace, 'one', createQuietLog()),
      records: async () => (await readRelayed(servers, namespace)).records,
      close: () => removeRelay(servers, namespace),
    };
  });

  describe('on Kafka alone', function () {
    this.timeout(60_000);
    let namespace: string;
    let log: ReturnType<typeof createQuietLog>;
    let target: RelayTarget;

    beforeEach(() => {
      namespace = newRelayNamespace();
      log = createQuietLog();
    });

    afterEach(async () => {
      await target?.close();
      await removeRelay(servers, namespace);
    });

    const openTarget = () => (target = openRelayTarget(servers, namespace, 'one', log));
    const event = (position: number, stream = 'alpha-1'): RecordedEvent => ({
      ...countedEvent(position),
      stream,
      revision: position,
      position: BigInt(position),
      recordedAt: position,
    });

    async function writeTo(target: RelayTarget, events: readonly RecordedEvent[]): Promise<void> {
      const session = await (await target.turn(forever)).open();
      for (const event of events) {
        const topic = `defter.${event.stream.split('-')[0]}`;
        const routed = { event, topic, partition: relayPartitionOf(topic, event.stream) };
        await session.write(await target.encode([routed]), { position: event.position, generation: 'one' });
      }
      await session.close();
    }

    async function withAdmin<T>(work: (admin: ReturnType<ReturnType<typeof createKafka>['admin']>) => Promise<T>) {
      const admin = createKafka({ brokers: servers.brokers, clientId: 'test', log }).admin();
      await admin.connect();
      try {
        return await work(admin);
      } finally {
        await admin.disconnect();
      }
    }

    /** Records of the checkpoint topic, or of all topics. */
    async function deleteRecords(topics: readonly string[]): Promise<void> {
      await withAdmin(async (admin) => {
        for (const topic of topics) {
          const offsets = await admin.fetchTopicOffsets(topic);
          const partitions = offsets.map(({ partition, high }) => ({ partition, offset: high }));
          await admin.deleteTopicRecords({ topic, partitions });
        }
      });
    }

    async function loseCheckpoint(): Promise<void> {
      const topic = relayCheckpointTopic(namespace);
      await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
      await eventually(async () => {
        await migrateRelay(servers, namespace);
        const there = await withAdmin((admin) => admin.listTopics());
        expect(there).to.include(topic);
      }, 10_000);
    }

    it('finds a lost checkpoint in the last records of the topics', async () => {
      await migrateRelay(servers, namespace);
      const events = [event(3), event(8, 'beta-1'), event(9, 'beta-2'), event(12, 'alpha-2'), event(15, 'alpha-1')];
      await writeTo(openTarget(), events);
      await target.close();
      await loseCheckpoint();
      const session = await (await openTarget().turn(forever)).open();
      expect(session.checkpoint).to.deep.equal({ position: 15n, generation: 'one' });
      expect(log.lines.join('\n')).to.include('had lost its checkpoint');
      await session.close();
    });

    it('stops when the checkpoint is lost and nothing is left that could tell it', async () => {
      await migrateRelay(servers, namespace);
      await writeTo(openTarget(), [event(3), event(8, 'beta-1')]);
      await target.close();
      await loseCheckpoint();
      await deleteRecords([`${namespace}.alpha`, `${namespace}.beta`]);
      const turn = await openTarget().turn(forever);
      const error = await turn.open().catch((err: unknown) => err);
      expect(error).to.be.instanceOf(StartError);
      expect((error as Error).message).to.match(/lost its checkpoint, and Kafka has deleted every record/);
    });

    it('refuses a checkpoint topic of several partitions, and topics that are missing, by name', async () => {
      await withAdmin((admin) =>
        admin.createTopics({
          waitForLeaders: true,
          topics: [{ topic: relayCheckpointTopic(namespace), numPartitions: 2 }],
        }),
      );
      const missing = await openTarget()
        .turn(forever)
        .catch((err: unknown) => err);
      expect(missing).to.be.instanceOf(StartError);
      expect((missing as Error).message).to.include(`no topic ${namespace}.alpha`);
      expect(target.waitsFor()).to.include(`no topic ${namespace}.alpha`);
      await target.close();
      await migrateRelay(servers, namespace).catch(() => undefined); // says the same of the checkpoint topic
      const wrong = await openTarget()
        .turn(forever)
        .catch((err: unknown) => err);
      expect((wrong as Error).message).to.match(/relay-checkpoint has 2 partitions/);
    });

    it('stops at a record of the checkpoint topic that no relay has written', async () => {
      await migrateRelay(servers, namespace);
      await withAdmin(async () => {
        const producer = createKafka({ brokers: servers.brokers, clientId: 'test', log }).producer();
        await producer.connect();
        await producer.send({ topic: relayCheckpointTopic(namespace), messages: [{ key: 'relay', value: 'hello' }] });
        await producer.disconnect();
      });
      const turn = await openTarget().turn(forever);
      const error = await turn.open().catch((err: unknown) => err);
      expect(error).to.be.instanceOf(StartError);
      expect((error as Error).message).to.match(/offset 0: .*this topic is for the relay alone/);
    });

    it('waits for a broker that is not there, says so now and then, and closes at once', async () => {
      const nowhere = { ...servers, brokers: [`127.0.0.1:${await freePort()}`] };
      const lonely = openRelayTarget(nowhere, namespace, 'one', log);
      const waiting = lonely.turn(forever).catch((err: unknown) => err);
      await eventually(() => expect(log.lines.join('\n')).to.include('the relay lost Kafka'), 20_000);
      expect(lonely.waitsFor()).to.match(/^Kafka: /);
      const began = performance.now();
      await lonely.close();
      expect(performance.now() - began).to.be.below(8_000);
      expect(await waiting).to.have.property('name', 'Interrupted');
      await migrateRelay(servers, namespace);
      openTarget();
    });
  });
});
