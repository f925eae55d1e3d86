// Commands that are sent again, where one command writes two streams or a name means one of two.

import { expect } from 'chai';
import type { CommandOrigin } from '../../command-api/origin.ts';
import { type EventStore, WrongExpectedRevision } from '#platform/event-store/event-store.ts';
import { type Standing, standingDocument, standingKey } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import { tenants } from '#events/tenant.ts';
import { Problem } from '#platform/http/problem.ts';
import { newId } from '#platform/new-id.ts';
import { createStandings } from '#platform/standing/standings.ts';
import { createStandingLoader } from '../../compose/service-standings.ts';
import { createTenant } from '../../command-api/tenants/create-tenant.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { refusal } from '../support/refusal.ts';

const origin = (commandId: string, eventId = newId()): CommandOrigin => ({
  ...ORIGIN,
  commandId,
  eventId,
  tenantId: commandId,
  subjectId: commandId,
  repeatable: true,
});

describe('creating a tenant, which writes two streams', () => {
  let now = Date.now();
  let store: EventStore;
  let keys: string[];
  beforeEach(() => {
    store = createMemoryEventStore(() => now);
    keys = [];
  });

  const create = (name: string, by: CommandOrigin, into = store) =>
    createTenant(
      {
        store: into,
        standings: createStandings<Standing>({
          load: createStandingLoader(into),
          readStore: createMemoryReadStore(),
          keyOf: standingKey,
          writeOf: standingDocument,
        }),
        keyring: { createSubject: async (subject) => (keys.push(subject), 'created') },
        now: () => now,
      },
      { id: by.subjectId, name, origin: by },
    );

  /** The server dies after the claim, before the tenant is. */
  const dying = (): EventStore => ({
    ...store,
    append: (stream, ...rest) =>
      categoryOf(stream) === tenants.category ? Promise.reject(new Error('died')) : store.append(stream, ...rest),
  });

  const typesInLog = async () => (await store.readAll(0n, 100)).map(({ type }) => type);

  it('answers a repeat as the first time and claims nothing more', async () => {
    const by = origin('t1');
    const first = await create('Acme', by);
    expect(first).to.include({ outcome: 'appended' });
    expect(await create('Acme', by)).to.deep.include({ outcome: 'replayed', state: first.state, claims: [] });
    expect(await typesInLog()).to.deep.equal(['TenantNameClaimed', 'TenantCreated']);
    expect(keys).to.deep.equal(['t1']);
  });

  it('claims the name once though another wrote the stream meanwhile', async () => {
    let lost = 0;
    const contended: EventStore = {
      ...store,
      async append(stream, ...rest) {
        if (categoryOf(stream) === tenants.category && lost++ === 0)
          throw new WrongExpectedRevision(stream, 'no_stream', 0);
        return store.append(stream, ...rest);
      },
    };
    const { claims } = await create('Acme', origin('t1'), contended);
    expect(lost).to.equal(2);
    expect(claims).to.have.length(1);
  });

  it('refuses another name under the same key, and leaves that name free', async () => {
    await create('Acme', origin('t1'));
    const reused = await refusal(Problem, create('Other', origin('t1')));
    expect(reused).to.include({ status: 422, code: 'idempotency-key-reused' });
    expect(await create('Other', origin('t2'))).to.include({ outcome: 'appended' });
  });

  it('refuses a name that another tenant has', async () => {
    await create('Acme', origin('t1'));
    expect(await refusal(Problem, create('ＡＣＭＥ', origin('t2')))).to.include({ code: 'name-taken' });
  });

  it('goes on where the server died in between, unless another has taken the name since', async () => {
    const by = origin('t1');
    await refusal(Error, create('Acme', by, dying()));
    expect(await create('Acme', by)).to.include({ outcome: 'appended' });
    const late = origin('t3');
    await refusal(Error, create('Late', late, dying()));
    now += 61_000;
    await create('Late', origin('t4'));
    expect(await refusal(Problem, create('Late', late))).to.include({ code: 'name-taken' });
  });
});
