import { expect } from 'chai';
import fc from 'fast-check';
import type { AuditEventView } from '#contracts/audit.ts';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { auditFilter } from '../../query-api/audit/audit-filter.ts';
import { type AskedPage, eventPage, placeOf } from '../../query-api/audit/audit-page.ts';
import { type FindEvents, findInAll, findInStream, runsOf } from '../../query-api/audit/find-events.ts';
import { viewEventHead } from '../../query-api/audit/view-audit-event.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';

const STREAM = 'tenant-acme';

/** A stream in which each third event is asked for. */
async function streamOf(events: number) {
  const store = createMemoryEventStore(() => 1_000);
  for (let i = 0; i < events; i++) {
    const event =
      i % 3 === 0
        ? createEvent('TenantRenamed', { name: `${i}` }, ORIGIN)
        : createEvent('TenantReinstated', {}, ORIGIN);
    await store.append(STREAM, [event], 'any');
  }
  const filter = auditFilter({ reads: false, type: ['TenantRenamed'] }, ['acme']);
  const asked = (await store.readStream(STREAM)).filter(({ type }) => type === 'TenantRenamed');
  return { find: findInStream(store, STREAM, filter), asked: asked.map(({ revision }) => revision) };
}

const view = async (event: RecordedEvent): Promise<AuditEventView> => ({
  ...viewEventHead(event),
  data: event.data as AuditEventView['data'],
  origin: null,
});

const pageAt = (find: FindEvents, asked: AskedPage, show = view) => eventPage(find, placeOf(asked), show);
const revisionsOf = ({ data }: { readonly data: readonly AuditEventView[] }) => data.map(({ revision }) => revision);

describe('pages of events', () => {
  it('hold everything once, in order, whichever way they are walked', async () => {
    const cases = fc.tuple(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom('asc', 'desc'),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([events, limit, order]) => {
        const { find, asked } = await streamOf(events);
        const expected = order === 'asc' ? asked : asked.toReversed();
        const there: number[][] = [];
        let page = await pageAt(find, { order, limit });
        there.push(revisionsOf(page));
        while (page.next !== null) {
          page = await pageAt(find, { order, limit, after: page.next });
          there.push(revisionsOf(page));
        }
        expect(there.flat()).to.deep.equal(expected);
        const back = [revisionsOf(page)];
        while (page.previous !== null && page.data.length > 0) {
          page = await pageAt(find, { order, limit, before: page.previous });
          back.unshift(revisionsOf(page));
        }
        expect(back.flat()).to.deep.equal(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('of several walks are as those of one, wherever one of them stops', async () => {
    const cases = fc.tuple(
      fc.array(fc.array(fc.boolean(), { maxLength: 3 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom('asc', 'desc'),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([rows, limit, order]) => {
        const { find, asked } = await streamOf(rows.length);
        // Each event is one walk's, and a walk may stop before it has a whole page.
        const finders = [0, 1, 2].map((which): FindEvents => async (walk) => {
          const { events, rest } = await find({ ...walk, limit: Math.min(walk.limit, 1 + which) });
          return { events: events.filter(({ event }) => (rows[event.revision]?.length ?? 0) % 3 === which), rest };
        });
        const there: number[][] = [];
        let after: string | null | undefined;
        do {
          const page = await pageAt(findInAll(finders), { order, limit, ...(after && { after }) });
          expect(page.data.length).to.be.at.most(limit);
          there.push(revisionsOf(page));
          after = page.next;
        } while (after !== null);
        expect(there.flat()).to.deep.equal(order === 'asc' ? asked : asked.toReversed());
      }),
      { numRuns: 60 },
    );
  });

  it('are cut short where events are large, and go on after the last that was given', async () => {
    const { find, asked } = await streamOf(30);
    const large = async (event: RecordedEvent) => ({ ...(await view(event)), data: { text: 'x'.repeat(300_000) } });
    const first = await pageAt(find, { order: 'asc', limit: 10 }, large);
    expect(revisionsOf(first)).to.deep.equal(asked.slice(0, 3));
    const second = await pageAt(find, { order: 'asc', limit: 10, after: first.next ?? '' }, large);
    expect(revisionsOf(second)).to.deep.equal(asked.slice(3, 6));
    const back = await pageAt(find, { order: 'asc', limit: 10, before: second.previous ?? '' }, large);
    expect(revisionsOf(back)).to.deep.equal(asked.slice(0, 3));
    const huge = async (event: RecordedEvent) => ({ ...(await view(event)), data: { text: 'x'.repeat(2_000_000) } });
    expect(revisionsOf(await pageAt(find, { order: 'asc', limit: 10 }, huge))).to.deep.equal(asked.slice(0, 1));
  });

  it('say how to ask for what has come since, also where there was nothing yet', async () => {
    const store = createMemoryEventStore(() => 1_000);
    const append = () => store.append(STREAM, [createEvent('TenantReinstated', {}, ORIGIN)], 'any');
    const find = findInStream(store, STREAM, auditFilter({ reads: false }, ['acme']));
    expect(await pageAt(find, { order: 'desc', limit: 2 })).to.deep.equal({ data: [], next: null, previous: null });
    await append();
    const first = await pageAt(find, { order: 'desc', limit: 2 });
    const before = first.previous ?? '';
    expect(before).to.not.equal('');
    expect(await pageAt(find, { order: 'desc', limit: 2, before })).to.deep.equal({
      data: [],
      next: null,
      previous: before,
    });
    for (let i = 0; i < 3; i++) await append();
    const since = await pageAt(find, { order: 'desc', limit: 2, before });
    expect(revisionsOf(since)).to.deep.equal([2, 1]);
    const newest = await pageAt(find, { order: 'desc', limit: 2, before: since.previous ?? '' });
    expect(revisionsOf(newest)).to.deep.equal([3]);
    expect(revisionsOf(await pageAt(find, { order: 'desc', limit: 2, after: newest.next ?? '' }))).to.deep.equal([
      2, 1,
    ]);
  });

  it('in a stream ask the log only for what can be a stream of it', async () => {
    const refusing = { readStream: () => Promise.reject(new Error('is read')) };
    for (const name of ['$all', '$ce-tenant', 'defter-log', 'nothing', ''])
      for (const order of ['asc', 'desc'] as const) {
        const find = findInStream(refusing, name, auditFilter({ reads: false, stream: name }, undefined));
        expect((await pageAt(find, { order, limit: 2 })).data, name).to.deep.equal([]);
      }
  });

  it('of a long stream with few that are asked for come in portions, and go on', async () => {
    const store = createMemoryEventStore(() => 1_000);
    await store.append(STREAM, [createEvent('TenantCreated', { name: 'Acme' }, ORIGIN)], 'any');
    const many = Array.from({ length: 6_000 }, () => createEvent('TenantReinstated', {}, ORIGIN));
    await store.append(STREAM, many, 'any');
    const find = findInStream(store, STREAM, auditFilter({ reads: false, type: ['TenantCreated'] }, ['acme']));
    const first = await pageAt(find, { order: 'desc', limit: 20 });
    expect(revisionsOf(first)).to.deep.equal([]);
    expect(revisionsOf(await pageAt(find, { order: 'desc', limit: 20, after: first.next ?? '' }))).to.deep.equal([0]);
  });

  it('read events that are near each other in one go', () => {
    expect(runsOf([5, 3, 4, 100, 12])).to.deep.equal([
      { from: 3, to: 12 },
      { from: 100, to: 100 },
    ]);
    expect(runsOf([])).to.deep.equal([]);
  });
});
