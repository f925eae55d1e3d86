import { AssignerProtocol, type Cluster, type GroupMember, type Logger, type RecordMetadata } from 'kafkajs';
import { expect } from 'chai';
import { StartError } from '#platform/errors.ts';
import { checkpointMessage, claimMessage, readCheckpointRecord } from '#platform/relay/kafka-checkpoint.ts';
import { isFencing, writeFailure } from '#platform/relay/kafka-fencing.ts';
import { createIncumbentAssigner } from '#platform/relay/kafka-incumbent-assigner.ts';
import { assertWritten } from '#platform/relay/kafka-sends.ts';
import { assertAscending } from '#platform/relay/assert-ascending.ts';
import { RelayFenced } from '#platform/relay/relay-target.ts';

describe('relay on Kafka: what is fencing', () => {
  const code90 = Object.assign(new Error('Unknown error code 90'), { type: 'KAFKAJS_UNKNOWN_ERROR_CODE', code: -99 });
  const code47 = Object.assign(new Error('old epoch'), { type: 'INVALID_PRODUCER_EPOCH', code: 47 });

  for (const [what, error] of [
    ['code 90, which kafkajs does not know', code90],
    ['INVALID_PRODUCER_EPOCH', code47],
    ['either, wrapped by the retrier', new Error('retries exceeded', { cause: new Error('x', { cause: code90 }) })],
  ] as const) {
    it(`is ${what}`, () => {
      expect(isFencing(error)).to.equal(true);
      expect(writeFailure('writing', error)).to.be.instanceOf(RelayFenced).and.have.property('cause', error);
    });
  }

  it('is nothing else', () => {
    for (const other of [
      new Error('Unknown error code 900'),
      new Error('timeout'),
      undefined,
      'Unknown error code 90',
    ]) {
      expect(isFencing(other)).to.equal(false);
      expect(writeFailure('writing', other)).to.include({ code: 'relay-write-failed', retriable: true });
    }
  });
});

describe('relay on Kafka: what a send must be answered', () => {
  const [one, two] = [2, 3].map((partition) => ({ topicName: 't', partition, errorCode: 0, baseOffset: '0' })) as [
    RecordMetadata,
    RecordMetadata,
  ];
  const message = (partition: number) => ({ partition, value: 'x' });
  const sent = [{ topic: 't', messages: [message(2), message(3), message(2)] }];

  it('passes with each partition that was sent to', () => assertWritten([two, one], sent));

  for (const [what, metadata] of [
    ['nothing', []],
    ['one partition of two', [one]],
    ['one partition twice', [one, one, two]],
    ['another partition', [one, { ...two, partition: 1 }]],
    ['another topic', [one, { ...two, topicName: 'u' }]],
    ['one partition more', [one, two, { ...two, partition: 1 }]],
    ['an error', [one, { ...two, errorCode: 7 }]],
    ['no offset', [{ ...one, baseOffset: '-1' }, two]],
  ] as const) {
    it(`throws when it is ${what}`, () => expect(() => assertWritten(metadata, sent)).to.throw('t/2, t/3'));
  }
});

describe('relay on Kafka: order', () => {
  const at = (...positions: bigint[]) =>
    positions.map((position) => ({ topic: 't', partition: 0, position, bytes: 1, message: {} }));

  it('is ascending, after the last checkpoint, up to the next', () => {
    assertAscending(5n, at(6n, 9n), 9n);
    assertAscending(0n, at(1n), 1n);
  });

  it('is a fault in any other case', () => {
    for (const [last, positions, next] of [
      [5n, [5n], 5n],
      [5n, [4n, 6n], 6n],
      [5n, [7n, 7n], 7n],
      [5n, [8n, 7n], 8n],
      [5n, [6n, 7n], 6n],
      [5n, [], 5n],
    ] as const) {
      expect(() => assertAscending(last, at(...positions), next)).to.throw(StartError, 'out of order');
    }
  });
});

describe('relay on Kafka: records of the checkpoint topic', () => {
  const record = ({ key, value }: { key?: unknown; value: unknown }) => ({
    key: Buffer.from(String(key)),
    value: Buffer.from(String(value)),
    offset: '7',
  });

  it('are read as they were written', () => {
    const checkpoint = { position: 2n ** 63n - 1n, generation: 'g' };
    expect(readCheckpointRecord('t', record(checkpointMessage(checkpoint)))).to.deep.equal(checkpoint);
    expect(readCheckpointRecord('t', record(claimMessage('c')))).to.deep.equal({ claim: 'c' });
  });

  it('are refused, with topic and offset, when no relay wrote them', () => {
    for (const value of ['', '{}', 'null', '{"position":"-1","generation":"g"}', '{"position":1,"generation":"g"}']) {
      const read = () => readCheckpointRecord('cp', record({ key: 'relay', value }));
      expect(read).to.throw(StartError, 'cp, offset 7');
    }
  });
});

describe('relay on Kafka: who gets the partition', () => {
  const { MemberAssignment } = AssignerProtocol;
  const assigner = (at: number) =>
    createIncumbentAssigner(() => at)({ cluster: {} as Cluster, groupId: 'g', logger: {} as Logger });

  async function assign(members: Readonly<Record<string, number>>): Promise<Record<string, unknown>> {
    const joined = Object.entries(members).map(([memberId, at]): GroupMember => ({
      memberId,
      memberMetadata: assigner(at).protocol({ topics: ['t'] }).metadata,
    }));
    const assigned = await assigner(0).assign({ members: joined, topics: ['t'] });
    return Object.fromEntries(
      assigned.map(({ memberId, memberAssignment }) => [
        memberId,
        MemberAssignment.decode(memberAssignment)?.assignment,
      ]),
    );
  }

  it('is the one that has it, also when one with a smaller id joins', async () => {
    expect(await assign({ a: 0, b: 5, c: 0 })).to.deep.equal({ a: {}, b: { t: [0] }, c: {} });
  });

  it('is, of two that believe to have it, the one that was told so last', async () => {
    expect(await assign({ a: 5, b: 6 })).to.deep.equal({ a: {}, b: { t: [0] } });
  });

  it('is the first when nobody has it', async () => {
    expect(await assign({ b: 0, a: 0 })).to.deep.equal({ a: { t: [0] }, b: {} });
  });
});
