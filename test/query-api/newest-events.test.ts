import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Condition, SearchQuery } from '#platform/search-index/search-index.ts';
import type { Freshness } from '../../query-api/freshness.ts';
import { createNewestEvents } from '../../query-api/newest-events.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { APART, createMemoryEventStore, FIRST } from '../support/memory-event-store.ts';
import { refusal } from '../support/refusal.ts';

const CALLER = {
  tenantId: 'acme',
  actor: { kind: 'system', id: 'test' },
  holder: 'test',
  permissions: new Set<string>(),
  permissionsIn: () => undefined,
} as const;

const renamed = (n: number) => {
  const eventId = `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;
  return createEvent('TenantRenamed', { name: `n${n}` }, { ...ORIGIN, eventId });
};

const positionOf = (n: number) => FIRST + APART * BigInt(n);

/** Events as far apart as is said, of three tenants in turn; the audit's index has all but those that are named. */
async function opened(length: number, apartMs: number, isLate: (n: number) => boolean) {
  let time = 0;
  const store = createMemoryEventStore(() => time);
  for (let n = 0; n < length; n++, time += apartMs) await store.append(`tenant-${n % 3}`, [renamed(n)], 'any');
  const all = Array.from({ length }, (_, n) => n);
  const rows = all
    .filter((n) => !isLate(n))
    .map((n) => ({ sort: Number(positionOf(n)), position: Number(positionOf(n)), recordedAt: n * apartMs }));
  const isMet = (row: (typeof rows)[number], condition: Condition) => {
    if (!('from' in condition || 'to' in condition)) return false;
    const value = row[condition.field as 'position' | 'recordedAt'];
    return value >= (condition.from ?? -Infinity) && value <= (condition.to ?? Infinity);
  };
  const search = async ({ conditions = [], limit }: SearchQuery) =>
    rows
      .filter((row) => conditions.every((condition) => isMet(row, condition)))
      .toReversed()
      .slice(0, limit);
  let read = 0;
  const newest = createNewestEvents({
    store: {
      async readAll(after, limit) {
        const events = await store.readAll(after, limit);
        read += events.length;
        return events;
      },
    },
    fresh: { of: async () => ({ search }) } as unknown as Pick<Freshness, 'of'>,
    now: () => length * apartMs,
  });
  /** Up to the event of this number. */
  const upTo = async (n: number, isWanted: (stream: string) => boolean = () => true) => {
    const entries = await newest(CALLER, { position: positionOf(n), time: n * apartMs }, ({ stream }) =>
      isWanted(stream),
    );
    return entries.map(({ stream, topic, position }) => [stream, topic, position]);
  };
  return { newest, upTo, read: () => read };
}

const TOPIC = 'defter.identity';

describe('the newest events', () => {
  it('are each stream of the last seconds with its last position, whatever the index has of them', async () => {
    const { upTo } = await opened(60, 1_000, (n) => n > 50 && n % 3 !== 2);
    expect(await upTo(58)).to.have.deep.members([
      ['tenant-0', TOPIC, positionOf(57)],
      ['tenant-1', TOPIC, positionOf(58)],
      ['tenant-2', TOPIC, positionOf(56)],
    ]);
    expect(await upTo(58, (stream) => stream === 'tenant-2')).to.deep.equal([['tenant-2', TOPIC, positionOf(56)]]);
  });

  it('are none of an old moment, nor before the first event, and nothing is read for them', async () => {
    const { newest, upTo, read } = await opened(60, 1_000, () => false);
    expect(await upTo(29)).to.deep.equal([]);
    expect(await newest(CALLER, { position: 0n, time: null }, () => true)).to.deep.equal([]);
    expect(read()).to.equal(0);
  });

  it('are no more than a few seconds of the log, and of a busy one no more than is ever late', async () => {
    const slow = await opened(2_000, 500, () => false);
    expect(await slow.upTo(1_990)).to.have.length(3);
    expect(slow.read()).to.be.below(100);
    const busy = await opened(5_000, 1, (n) => n > 4_500);
    expect((await busy.upTo(4_998)).map(([, , position]) => position)).to.include(positionOf(4_998));
    expect(busy.read()).to.be.below(2_001);
  });

  it('cannot be told where the index is far behind', async () => {
    const { upTo } = await opened(5_000, 1, (n) => n > 100);
    expect(await refusal(Problem, upTo(4_999))).to.include({ status: 503, code: 'not-caught-up' });
  });
});
