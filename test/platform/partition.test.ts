import { expect } from 'chai';
import fc from 'fast-check';
import { createPartitionOf, murmur2, partitionOfKey } from '#platform/bus/partition.ts';

describe('partition of a key', () => {
  // From Apache Kafka's own UtilsTest.testMurmur2.
  const vectors: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  for (const [key, hash] of vectors) {
    it(`hashes ${key} as Kafka does`, () => expect(murmur2(Buffer.from(key))).to.equal(hash));
  }

  it('masks the sign before it divides, as Kafka does', () => {
    expect(partitionOfKey('21', 12)).to.equal((-973932308 & 0x7fffffff) % 12);
    expect(partitionOfKey('abc', 12)).to.equal(479470107 % 12);
  });

  it('is the one of a stream, and of all streams of one key', () => {
    const streams = Array.from({ length: 50 }, (_, n) => `submission-docs-${n % 8}-${n}`);
    const ofStreams = createPartitionOf(12);
    for (const stream of streams) expect(ofStreams('any', stream)).to.equal(partitionOfKey(stream, 12));
    const shardOf = (stream: string) => stream.split('-').slice(1, 3).join('/');
    const ofShards = createPartitionOf(12, shardOf);
    for (const stream of streams) expect(ofShards('any', stream)).to.equal(partitionOfKey(shardOf(stream), 12));
  });

  it('hashes bytes that lie anywhere in their buffer alike', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(7), (bytes, offset) => {
        const moved = new Uint8Array(bytes.length + offset);
        moved.set(bytes, offset);
        expect(murmur2(moved.subarray(offset))).to.equal(murmur2(bytes));
      }),
    );
  });

  it('gives every key a partition, and leaves none of twelve idle over a thousand keys', () => {
    const used = new Set<number>();
    for (let i = 0; i < 1000; i++) used.add(partitionOfKey(`inference-${i}`, 12));
    expect([...used].sort((a, b) => a - b)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});
