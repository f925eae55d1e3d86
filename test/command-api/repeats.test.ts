// Commands that write several streams: sent again, and cut off between the steps.

import { expect } from 'chai';
import { apiKeys, type ApiKeyState } from '#events/api-key.ts';
import type { CommandOrigin } from '../../command-api/origin.ts';
import { type EventStore, WrongExpectedRevision } from '#platform/event-store/event-store.ts';
import { type Standing, standingDocument, standingKey } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import { tenants } from '#events/tenant.ts';
import { Problem } from '#platform/http/problem.ts';
import { newId } from '#platform/new-id.ts';
import { createStandings } from '#platform/standing/standings.ts';
import { createStandingLoader } from '../../compose/service-standings.ts';
import { decideIssueApiKey } from '../../command-api/api-keys/decide.ts';
import { rotateApiKey } from '../../command-api/api-keys/rotate-api-key.ts';
import { createTenant } from '../../command-api/tenants/create-tenant.ts';
import { renameTenant } from '../../command-api/tenants/rename-tenant.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { refusal } from '../support/refusal.ts';

const portsOver = (store: EventStore, now: () => number) => ({
  store,
  standings: createStandings<Standing>({
    load: createStandingLoader(store),
    readStore: createMemoryReadStore(),
    keyOf: standingKey,
    writeOf: standingDocument,
  }),
  now,
});

const typesIn = async (store: EventStore) => (await store.readAll(0n, 100)).map(({ type }) => type);

/** The server dies when it is to write an event of this type. */
const dyingAt = (store: EventStore, type: string): EventStore => ({
  ...store,
  append: (stream, events, ...rest) =>
    events.some((event) => event.type === type)
      ? Promise.reject(new Error('died'))
      : store.append(stream, events, ...rest),
});

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
        ...portsOver(into, () => now),
        keyring: { createSubject: async (subject) => (keys.push(subject), 'created') },
      },
      { id: by.subjectId, name, origin: by },
    );

  it('answers a repeat as the first time and claims nothing more', async () => {
    const by = origin('t1');
    const first = await create('Acme', by);
    expect(first).to.include({ outcome: 'appended' });
    expect(await create('Acme', by)).to.deep.include({ outcome: 'replayed', state: first.state, claims: [] });
    expect(await typesIn(store)).to.deep.equal(['TenantNameClaimed', 'TenantCreated']);
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
    await refusal(Error, create('Acme', by, dyingAt(store, 'TenantCreated')));
    expect(await create('Acme', by)).to.include({ outcome: 'appended' });
    const late = origin('t3');
    await refusal(Error, create('Late', late, dyingAt(store, 'TenantCreated')));
    now += 61_000;
    await create('Late', origin('t4'));
    expect(await refusal(Problem, create('Late', late))).to.include({ code: 'name-taken' });
  });
});

describe('renaming a tenant, which writes three streams', () => {
  let now = Date.now();
  let store: EventStore;
  beforeEach(async () => {
    store = createMemoryEventStore(() => now);
    await create('Old', 't1');
  });

  const create = (name: string, id: string) => {
    const ports = { ...portsOver(store, () => now), keyring: { createSubject: async () => 'created' as const } };
    return createTenant(ports, { id, name, origin: origin(id) });
  };
  const rename = (name: string, id: string, by = origin(newId()), into = store) =>
    renameTenant(
      portsOver(into, () => now),
      { id, name, origin: { ...by, tenantId: id }, ifMatch: undefined },
    );

  it('releases the old name for others', async () => {
    await rename('New', 't1');
    expect((await typesIn(store)).slice(2)).to.deep.equal(['TenantNameClaimed', 'TenantRenamed', 'TenantNameReleased']);
    expect(await create('Old', 't2')).to.include({ outcome: 'appended' });
    expect(await refusal(Problem, rename('Old', 't1'))).to.include({ code: 'name-taken' });
  });

  it('claims nothing for a name that is written otherwise', async () => {
    await rename('OLD', 't1');
    expect((await typesIn(store)).slice(2)).to.deep.equal(['TenantRenamed']);
  });

  it('goes on where the server died before the tenant bore the name', async () => {
    const by = origin('r1');
    await refusal(Error, rename('New', 't1', by, dyingAt(store, 'TenantRenamed')));
    expect(await refusal(Problem, create('New', 't2'))).to.include({ code: 'name-taken' });
    expect(await rename('New', 't1', by)).to.include({ outcome: 'appended' });
    expect(await create('Old', 't3')).to.include({ outcome: 'appended' });
  });

  it('leaves a name free that the server died over, once its time is over', async () => {
    await refusal(Error, rename('New', 't1', origin('r1'), dyingAt(store, 'TenantRenamed')));
    now += 61_000;
    expect(await create('New', 't2')).to.include({ outcome: 'appended' });
    expect(await refusal(Problem, rename('New', 't1'))).to.include({ code: 'name-taken' });
  });

  it('leaves the old name free though the server died before it was released', async () => {
    await refusal(Error, rename('New', 't1', origin('r1'), dyingAt(store, 'TenantNameReleased')));
    now += 61_000;
    expect(await create('Old', 't2')).to.include({ outcome: 'appended' });
  });

  it('does not release a name that was taken back meanwhile', async () => {
    const late: EventStore = {
      ...store,
      async append(stream, events, ...rest) {
        if (events.some(({ type }) => type === 'TenantNameReleased')) await rename('Old', 't1');
        return store.append(stream, events, ...rest);
      },
    };
    await rename('New', 't1', origin('r1'), late);
    expect(await refusal(Problem, create('Old', 't2'))).to.include({ code: 'name-taken' });
    expect(await create('New', 't3')).to.include({ outcome: 'appended' });
  });
});

describe('rotating a key, which writes two streams', () => {
  const NOW = 1_000_000;
  let store: EventStore;
  beforeEach(async () => {
    store = createMemoryEventStore(() => NOW);
    const command = { name: 'ci', hash: 'ab', last4: 'wxyz', scopes: ['models:read'], expiresAt: null };
    const by = { ...ORIGIN, eventId: newId() };
    const [issued] = decideIssueApiKey({ ...command, models: null, personId: null, origin: by }, apiKeys.initial);
    await store.append(apiKeys.stream('old'), [issued!], 'no_stream');
  });

  const stateOf = async (id: string) =>
    (await store.readStream(apiKeys.stream(id))).reduce(apiKeys.evolve, apiKeys.initial);
  const rotate = async (by: CommandOrigin, into = store, old?: ApiKeyState) =>
    rotateApiKey(
      portsOver(into, () => NOW),
      {
        id: 'old',
        old: old ?? (await stateOf('old')),
        key: 'dft_new',
        personId: null,
        until: null,
        overlapMs: 5_000,
        now: NOW,
        origin: by,
      },
    );

  it('goes on where the server died in between, when it is asked again', async () => {
    const by = origin('next');
    await refusal(Error, rotate(by, dyingAt(store, 'ApiKeyRotated')));
    expect(await stateOf('old')).to.have.nested.property('key.successor', null);
    expect((await rotate(by)).done).to.include({ outcome: 'replayed' });
    expect(await stateOf('old')).to.deep.nested.include({ 'key.successor': 'next', 'key.expiresAt': NOW + 5_000 });
    expect((await rotate(by)).done).to.include({ outcome: 'replayed' });
    expect(await typesIn(store)).to.deep.equal(['ApiKeyIssued', 'ApiKeyIssued', 'ApiKeyRotated']);
  });

  it('revokes the successor that came second', async () => {
    const old = await stateOf('old');
    await rotate(origin('first'), store, old);
    expect(await refusal(Problem, rotate(origin('second'), store, old))).to.include({ code: 'conflict' });
    expect(await stateOf('second')).to.include({ status: 'revoked' });
    expect(await stateOf('first')).to.include({ status: 'active' });
    expect(await refusal(Problem, rotate(origin('third')))).to.include({ code: 'conflict' });
    expect(await stateOf('third')).to.include({ status: 'absent' });
  });
});
