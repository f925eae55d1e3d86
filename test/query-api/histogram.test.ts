import { expect } from 'chai';
import fc from 'fast-check';
import { bucketsOf, viewHistogram } from '../../query-api/audit/histogram.ts';

const at = (time: string) => Date.parse(`2026-08-01T${time}Z`);

describe('the buckets of a histogram', () => {
  it('are of a round width', () => {
    const widthOf = (from: string, to: string, most: number) => bucketsOf(at(from), at(to), most).width;
    expect(widthOf('00:00:00.000', '00:00:00.100', 100)).to.equal(1);
    expect(widthOf('00:00:00', '00:01:00', 400)).to.equal(200);
    expect(widthOf('00:00:00', '00:01:01', 400)).to.equal(1_000);
    expect(widthOf('00:00:00', '01:00:00', 60)).to.equal(60_000);
    expect(widthOf('00:00:30', '01:00:30', 60)).to.equal(120_000);
    expect(widthOf('00:00:00', '23:59:59', 24)).to.equal(3_600_000);
    expect(bucketsOf(at('00:00:00'), at('00:00:00'), 10).starts).to.deep.equal([]);
  });

  it('cover any range, in no more than were asked for', () => {
    const time = fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59Z') });
    fc.assert(
      fc.property(time, time, fc.integer({ min: 1, max: 400 }), (one, other, most) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const { width, starts } = bucketsOf(from, to, most);
        expect(starts.length).to.be.at.most(most);
        if (from === to) return;
        expect(starts[0]).to.be.at.most(from);
        expect((starts.at(-1) ?? 0) + width).to.be.at.least(to);
        for (const [i, start] of starts.entries()) {
          expect(Math.abs(start % width)).to.equal(0);
          if (i > 0) expect(start - (starts[i - 1] ?? 0)).to.equal(width);
        }
      }),
    );
  });

  it('count by kind, and none where there was nothing', () => {
    const [from, to] = [at('00:00:00'), at('03:00:00')];
    const counts = [
      { at: from, value: 'TenantCreated', count: 1 },
      { at: from, value: 'TenantRenamed', count: 2 },
      { at: from + 7_200_000, value: 'ApiKeyIssued', count: 3 },
    ];
    expect(viewHistogram(from, to, bucketsOf(from, to, 3), counts)).to.deep.equal({
      object: 'histogram',
      from: '2026-08-01T00:00:00.000Z',
      to: '2026-08-01T03:00:00.000Z',
      bucketMs: 3_600_000,
      buckets: [
        { start: '2026-08-01T00:00:00.000Z', counts: { tenant: 3 }, total: 3 },
        { start: '2026-08-01T01:00:00.000Z', counts: {}, total: 0 },
        { start: '2026-08-01T02:00:00.000Z', counts: { apikey: 3 }, total: 3 },
      ],
    });
  });
});
