// A tenant as of a position is the fold of the log up to there, whatever happened: the property that replay stands on.

import { expect } from 'chai';
import fc from 'fast-check';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { evolveStanding, isThere, ownerOf, type Standing } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import { deadLetterKey, listDeadLetters } from '#platform/bus/dead-letter-rows.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import { changesBetween } from '../../query-api/replay/changes.ts';
import { stepsOf } from '../../query-api/replay/history-steps.ts';
import { createNewestEvents } from '../../query-api/newest-events.ts';
import type { PageEnd } from '../../query-api/page-cursor.ts';
import { parkedBy } from '../../query-api/replay/parked-streams.ts';
import { openPastEntities, TENANT_KINDS } from '../../query-api/replay/past-entities.ts';
import { peopleAt, tenantAt, tenantBetween } from '../../query-api/replay/past-tenant.ts';
import { applyChanges } from '../support/apply-changes.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { AS_INVITED, AS_ISSUED } from '../support/given-projection.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { openPast } from '../support/past-run.ts';
import { randomTenants, TENANTS } from '../support/random-tenants.ts';

const SEALED = { keyId: 'ada/2026-01-01', sealed: 'AA==', blob: null, bytes: 2 };

const FAILED = { eventId: 'e', error: 'no', attempts: 1, failedAt: 1, request: -1 };

const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

/** Whatever `things` had, by stream, folded from the log alone. */
function foldedTo(log: readonly RecordedEvent[], position: bigint, tenantId: string) {
  const standings = new Map<string, Standing>();
  for (const event of log) {
    if (event.position > position) break;
    const after = evolveStanding(standings.get(event.stream), event);
    if (after) standings.set(event.stream, after);
  }
  const things = [...standings].filter(
    ([stream, standing]) =>
      TENANT_KINDS.includes(categoryOf(stream)) &&
      categoryOf(stream) !== 'tenant' &&
      isThere(stream, standing) &&
      ownerOf(stream, standing) === tenantId,
  );
  return new Map(things.map(([stream, { state }]) => [stream, plain(state)]));
}

type Then = Awaited<ReturnType<typeof tenantAt>>['found'];
const statesOf = (found: Then) => new Map(found.map(({ stream, standing }) => [stream, plain(standing.state)]));

describe('the past of a tenant', function () {
  this.timeout(120_000);

  it('is what the log folds into up to any position, the changes between two, and the steps from one to the other', async () => {
    await fc.assert(
      fc.asyncProperty(randomTenants, fc.nat(), fc.nat(), async (history, one, other) => {
        const run = await openPast(history);
        try {
          const { fresh, positions, request } = run;
          const log = await run.store.readAll(0n, 1_000);
          const entities = await openPastEntities(run, request);
          const at = [0n, ...positions];
          for (const tenantId of TENANTS) {
            for (const position of at) {
              const { found } = await tenantAt(entities, tenantId, position, undefined);
              expect(statesOf(found), `${tenantId} at ${position}`).to.deep.equal(foldedTo(log, position, tenantId));
            }
            const [from = 0n, to = 0n] = [at[one % at.length] ?? 0n, at[other % at.length] ?? 0n].toSorted((a, b) =>
              a < b ? -1 : 1,
            );
            const before = statesOf((await tenantAt(entities, tenantId, from, undefined)).found);
            const after = statesOf((await tenantAt(entities, tenantId, to, undefined)).found);

            const differences = await tenantBetween(entities, tenantId, { from, to }, undefined);
            const changed = new Map(before);
            for (const { stream, kind, ...two } of differences.found) {
              if (kind === 'tenant') continue;
              const states = [two.before, two.after].map((then) => then && plain(then.standing.state));
              const made = applyChanges(before.get(stream) ?? null, changesBetween(...(states as [unknown, unknown])));
              if (made === null) changed.delete(stream);
              else changed.set(stream, made);
            }
            expect(changed, `${tenantId} from ${from} to ${to} by changes`).to.deep.equal(after);

            const audit = await fresh.of(auditReadModel, request);
            const { steps, truncated } = await stepsOf({ ...run, audit }, tenantId, { from, to });
            expect(truncated).to.equal(false);
            const walked = new Map(before);
            for (const { event, after: state } of steps) {
              const { stream } = event;
              if (categoryOf(stream) === 'tenant') continue;
              const standing = { of: categoryOf(stream), state } as Standing;
              if (isThere(stream, standing)) walked.set(stream, plain(state));
              else walked.delete(stream);
            }
            expect(walked, `${tenantId} from ${from} to ${to} step by step`).to.deep.equal(after);
          }
        } finally {
          await run.close();
        }
      }),
      { numRuns: 20, seed: 20261128 },
    );
  });

  it('has each thing on exactly one page, wherever a page ends', async () => {
    const offered = (userId: string) =>
      createEvent('MembershipOffered', { userId, role: 'admin', expiresAt: 9, ...AS_INVITED }, ORIGIN);
    const issued = (name: string) => createEvent('ApiKeyIssued', { ...AS_ISSUED, name }, ORIGIN);
    // Things of the later kind are born before, between and after those of the other.
    const run = await openPast([
      ['member-acme-ada', offered('ada')],
      ['apikey-acme1', issued('one')],
      ['member-acme-bob', offered('bob')],
      ['apikey-acme2', issued('two')],
      ['member-acme-cem', offered('cem')],
    ]);
    try {
      const entities = await openPastEntities(run, run.request);
      const to = run.positions.at(-1) ?? 0n;
      const all = ['apikey-acme1', 'apikey-acme2', 'member-acme-ada', 'member-acme-bob', 'member-acme-cem'];
      for (const most of [1, 2, 3, 4, 5]) {
        const walks = [
          (after?: PageEnd) => tenantAt(entities, 'acme', to, after, most),
          (after?: PageEnd) => tenantBetween(entities, 'acme', { from: 0n, to }, after, most),
        ];
        for (const walk of walks) {
          const pages: string[][] = [];
          let after: PageEnd | undefined;
          do {
            const { found, next } = await walk(after);
            pages.push(found.map(({ stream }) => stream));
            after = next;
          } while (after && pages.length < 9);
          expect(pages.flat(), `pages of ${most}`).to.deep.equal(all);
          expect(pages).to.have.length(Math.ceil(all.length / most));
        }
      }
    } finally {
      await run.close();
    }
  });

  it('has all its people, however many old sessions they left, and says where there are more sessions', async () => {
    const person = createEvent('UserInvited', { email: SEALED, name: SEALED, language: 'en' }, ORIGIN);
    const registered = createEvent('UserRegistered', { name: SEALED, language: 'en' }, ORIGIN);
    const started = createEvent('SessionStarted', { userId: 'ada', epoch: 0 }, ORIGIN);
    const offered = createEvent(
      'MembershipOffered',
      { userId: 'ada', role: 'admin', expiresAt: 9, ...AS_INVITED },
      ORIGIN,
    );
    const run = await openPast([
      ...['a', 'b', 'c'].map((name) => [`session-old-${name}`, started] as const),
      ['user-ada', person],
      ['user-ada', registered],
      ['member-acme-ada', offered],
      ['member-acme-ada', createEvent('MembershipAccepted', {}, ORIGIN)],
      ...['d', 'e', 'f'].map((name) => [`session-${name}`, started] as const),
    ]);
    try {
      const entities = await openPastEntities(run, run.request);
      const to = run.positions.at(-1) ?? 0n;
      const { found } = await tenantAt(entities, 'acme', to, undefined);
      // The three old ones, of the first three seconds, have not been used for 30 days by then.
      const clock = 30 * 86_400_000 + 3_500;
      const at = async (most: number) => {
        const { people, sessions, truncated } = await peopleAt(entities, found, to, clock, most);
        return [people.map(({ id }) => id), sessions.map(({ id }) => id), truncated];
      };
      expect(await at(3)).to.deep.equal([['ada'], ['d', 'e', 'f'], false]);
      expect(await at(2)).to.deep.equal([['ada'], ['d', 'e'], true]);
    } finally {
      await run.close();
    }
  });

  it('has what was done just before, without a token for it', async () => {
    const run = await openPast([['tenant-acme', createEvent('TenantCreated', { name: 'Acme' }, ORIGIN)]]);
    try {
      const newest = createNewestEvents(run);
      for (let n = 0; n < 20; n++) {
        const stream = `apikey-new${n}`;
        const eventId = `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;
        const position = await run.append(stream, createEvent('ApiKeyIssued', AS_ISSUED, { ...ORIGIN, eventId }));
        const entries = await newest(run.request.caller, { position, time: run.now() }, () => true);
        const entities = await openPastEntities(run, run.request, entries);
        const { found } = await tenantAt(entities, 'acme', position, undefined);
        expect(found.map((one) => one.stream)).to.include(stream);
      }
    } finally {
      await run.close();
    }
  });

  it('has what the read model set aside as a dead letter, as the log tells it', async () => {
    const offered = createEvent(
      'MembershipOffered',
      { userId: 'ada', role: 'admin', expiresAt: 9, ...AS_INVITED },
      ORIGIN,
    );
    // No search index takes a keyword of that length.
    const parked = `member-acme-${'a'.repeat(600)}`;
    const accepted = { ...createEvent('MembershipAccepted', {}, ORIGIN), id: '018f0000-0000-7000-8000-000000000009' };
    const run = await openPast([
      ['member-acme-ada', offered],
      [parked, offered],
      [parked, accepted],
    ]);
    try {
      expect(await listDeadLetters(run.readStore, { group: 'entities', limit: 9 })).to.have.length(1);
      const entities = await openPastEntities(run, run.request);
      const statusesAt = async (position: bigint, tenantId = 'acme') =>
        (await tenantAt(entities, tenantId, position, undefined)).found.map(({ stream, standing }) => [
          stream,
          standing.state.status,
        ]);
      const [first = 0n, second = 0n, third = 0n] = run.positions;
      expect(await statusesAt(first)).to.deep.equal([['member-acme-ada', 'offered']]);
      expect(await statusesAt(second)).to.deep.equal([
        ['member-acme-ada', 'offered'],
        [parked, 'offered'],
      ]);
      expect(await statusesAt(third)).to.deep.equal([
        ['member-acme-ada', 'offered'],
        [parked, 'active'],
      ]);
      expect(await statusesAt(third, 'beta')).to.deep.equal([]);

      const audit = await run.fresh.of(auditReadModel, run.request);
      const positionsOf = async (from: bigint, to: bigint, most?: number) => {
        const { steps, truncated, last } = await stepsOf({ ...run, audit }, 'acme', { from, to }, most);
        return [steps.map(({ event }) => event.position), truncated, last];
      };
      expect(await positionsOf(0n, third)).to.deep.equal([[first, second, third], false, third]);
      expect(await positionsOf(0n, third, 2)).to.deep.equal([[first, second], true, second]);
      expect(await positionsOf(second, third)).to.deep.equal([[third], false, third]);
      expect(await positionsOf(first, second)).to.deep.equal([[second], false, second]);
    } finally {
      await run.close();
    }
  });
});

describe('the streams that a read model has parked', () => {
  it('are all found, of every version, by the first event that one of them lacks', async () => {
    const rows = createMemoryReadStore();
    const letter = (group: string, stream: string, revision: number) =>
      rows.put(deadLetterKey(group, stream), { group, stream, revision, ...FAILED });
    for (let n = 0; n < 5; n++) await letter('audit.2', `apikey-${n}`, n);
    await letter('audit.3', 'apikey-4', 2);
    await letter('entities.2', 'apikey-9', 9);
    const expected = new Map([0, 1, 2, 3, 4].map((n) => [`apikey-${n}`, n === 4 ? 2 : n]));
    for (const atOnce of [2, 3, 6, 100]) expect(await parkedBy(rows, 'audit', atOnce)).to.deep.equal(expected);
  });
});
