import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import kafkajs, { type Admin } from 'kafkajs';
import { checkTopics, migrateTopics } from '#platform/kafka/topics.ts';
import { describeOn } from '../services/describe-on.ts';
import { clientOf } from '../support/kafka-namespace.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';

describeOn(['kafka'], 'topics in Kafka', (env) => {
  let admin: Admin;
  let events: string;
  let checkpointTopic: string;

  before(async () => {
    admin = clientOf((env['KAFKA_BROKERS'] ?? '').split(','), createQuietLog()).admin();
    await admin.connect();
  });
  after(() => admin.disconnect());
  beforeEach(() => {
    const namespace = `t${randomUUID().slice(0, 8)}`;
    events = `${namespace}.alpha`;
    checkpointTopic = `${namespace}.checkpoint`;
  });
  afterEach(async () => {
    const there = await admin.listTopics();
    await admin.deleteTopics({ topics: [events, checkpointTopic].filter((topic) => there.includes(topic)) });
  });

  const migrate = () => migrateTopics({ admin, topics: [events], partitions: 3, checkpointTopic });

  async function settings(topic: string) {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    return Object.fromEntries(
      (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
    );
  }

  it('makes what is missing, again and again without harm', async () => {
    await migrate();
    await migrate();
    await checkTopics(admin, [events], 3);
    await checkTopics(admin, [checkpointTopic], 1);
    expect(await settings(events)).to.include({ 'retention.ms': '-1', 'cleanup.policy': 'delete' });
    expect(await settings(checkpointTopic)).to.include({ 'cleanup.policy': 'compact' });
  });

  it('refuses another number of partitions, and does not change it', async () => {
    await admin.createTopics({ topics: [{ topic: events, numPartitions: 2 }] });
    const error = await refusal(Error, migrate());
    expect(error).to.have.property('code', 'wrong-partitions');
    expect(error.message).to.match(new RegExp(`${events} has 2 partitions, it must have 3`));
    expect(await refusal(Error, checkTopics(admin, [events], 3))).to.have.property('code', 'wrong-partitions');
    await checkTopics(admin, [events], 2);
  });

  it('names a topic that is missing, and migrate', async () => {
    const error = await refusal(Error, checkTopics(admin, [events], 3));
    expect(error).to.have.property('code', 'missing-topics');
    expect(error.message).to.match(new RegExp(`no topic ${events}.*migrate`));
  });

  it('mends a retention that would lose events, and leaves other settings alone', async () => {
    const made = { 'retention.ms': '1000', 'max.message.bytes': '2000000' };
    const configEntries = Object.entries(made).map(([name, value]) => ({ name, value }));
    await admin.createTopics({ topics: [{ topic: events, numPartitions: 3, configEntries }] });
    await migrate();
    expect(await settings(events)).to.include({ 'retention.ms': '-1', 'max.message.bytes': '2000000' });
  });

  it('refuses a topic of events that is compacted', async () => {
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }];
    await admin.createTopics({ topics: [{ topic: events, numPartitions: 3, configEntries }] });
    expect((await refusal(Error, migrate())).message).to.match(/cleanup.policy compact, it must be delete/);
  });
});
