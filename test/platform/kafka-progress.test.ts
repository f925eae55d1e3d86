import { expect } from 'chai';
import fc from 'fast-check';
import { createKafkaProgress, type OpenRecord } from '#platform/bus/kafka-progress.ts';

describe('progress in a partition of Kafka', () => {
  it('drops what the group is past, and what comes again', () => {
    const progress = createKafkaProgress({ past: 10n, from: 0n });
    expect(progress.read(0n, 9n)).to.equal('past');
    expect(progress.read(1n, 10n)).to.equal('past');
    expect(progress.read(2n, 12n)).to.include({ offset: 2n, position: 12n });
    expect(progress.read(3n, 12n)).to.equal('repeated');
    expect(progress.read(4n, 11n)).to.equal('repeated');
    progress.readTo(5n);
    expect(progress.done()).to.deep.equal({ offset: 2n, position: 10n });
  });

  it('is never done past a record that is open, whatever the order of the acknowledgements', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 60 }), fc.infiniteStream(fc.nat()), (gaps, picks) => {
        const progress = createKafkaProgress({ past: 0n, from: 0n });
        const open: OpenRecord[] = [];
        let offset = 0n;
        for (const gap of gaps) {
          offset += BigInt(gap); // marks of transactions take offsets too
          const record = progress.read(offset, offset * 3n + 1n);
          if (typeof record !== 'string') open.push(record);
          offset++;
          progress.readTo(offset);
        }
        const all = [...open];
        while (open.length > 0) {
          const [record] = open.splice((picks.next().value ?? 0) % open.length, 1);
          if (record) progress.acknowledge(record);
          const first = all.find(({ acknowledged }) => !acknowledged);
          const before = all.slice(0, first ? all.indexOf(first) : all.length);
          expect(progress.done()).to.deep.equal({
            offset: first?.offset ?? offset,
            position: before.at(-1)?.position ?? 0n,
          });
          expect(progress.open).to.equal(open.length);
        }
      }),
    );
  });
});
