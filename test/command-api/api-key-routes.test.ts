// What a key gives to keys that it makes, rotates or sets limits of, and whose keys are for whom to limit and revoke.

import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { ApiKeyView } from '#contracts/api-keys.ts';
import { createEvent } from '#events/create-event.ts';
import type { EventData } from '#events/aggregates.ts';
import { apiKeys } from '#events/api-key.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller } from '#platform/http/route.ts';
import { newId } from '#platform/new-id.ts';
import { createApiKeyRoutes } from '../../command-api/api-keys/routes.ts';
import { type Asked, callerWith, callRoute, routePortsOf } from '../support/call-route.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';
import { refusal } from '../support/refusal.ts';

const TENANT = 'acme';
const START = Date.UTC(2026, 10, 28);
const HOUR = 3_600_000;
const WRITER = ['keys:write', 'models:read'];
const iso = (ms: number) => new Date(ms).toISOString();

describe('a key that makes keys', () => {
  let now: number;
  let ports: PeoplePorts;
  let limitPerKey: number | undefined;
  beforeEach(async () => {
    now = START;
    limitPerKey = undefined;
    ports = await openPeoplePorts(() => now);
    await ports.keyring.createSubject(TENANT);
    await ports.keyring.createSubject('ada');
  });
  afterEach(() => ports.keyring.close());

  /** A key as the log has it, and who calls with it. */
  async function key(
    change: Partial<EventData<'ApiKeyIssued'>> & { requestsPerMinute?: number } = {},
  ): Promise<Caller & { id: string }> {
    const id = newId();
    const { requestsPerMinute = null, ...given } = change;
    const data = { name: 'k', hash: 'h', last4: 'wxyz', scopes: WRITER, expiresAt: null, models: null, personId: null };
    const by = () => ({ ...ORIGIN, tenantId: TENANT, eventId: newId() });
    const limits = requestsPerMinute === null ? [] : [createEvent('ApiKeyLimitsSet', { requestsPerMinute }, by())];
    const issued = createEvent('ApiKeyIssued', { ...data, ...given }, by());
    await ports.store.append(apiKeys.stream(id), [issued, ...limits], 'no_stream');
    const { scopes = WRITER, models } = given;
    const actor = { kind: 'api-key', id } as const;
    return { ...callerWith(scopes, { tenantId: TENANT, actor, ...(models && { models }) }), id };
  }
  const ada = () => callerWith(WRITER, { tenantId: TENANT, actor: { kind: 'user', id: 'ada' } });

  const call = async (id: string, caller: Caller, asked: Asked) => {
    const secret = createSecretKey(randomBytes(32));
    const routes = createApiKeyRoutes({ ...routePortsOf(ports), secret, limitPerKey, now: () => now });
    return (await callRoute(routes, id, caller, asked)).body as ApiKeyView;
  };
  const issue = (caller: Caller, body: object = {}) =>
    call('issueApiKey', caller, { body: { name: 'child', scopes: ['models:read'], ...body } });
  const rotate = (caller: Caller, id: string) =>
    call('rotateApiKey', caller, { params: { id }, body: { overlap: 24 * HOUR } });
  const limit = (caller: Caller, id: string, requestsPerMinute: number | null) =>
    call('setApiKeyLimits', caller, { params: { id }, body: { requestsPerMinute } });
  const revoke = (caller: Caller, id: string) => call('revokeApiKey', caller, { params: { id } });
  const refused = async (asked: Promise<unknown>) => {
    const { code, errors } = await refusal(Problem, asked);
    return [code, errors?.[0]?.pointer];
  };

  it('makes none that outlives it', async () => {
    const maker = await key({ expiresAt: START + HOUR });
    expect((await issue(maker)).expiresAt).to.equal(iso(START + HOUR));
    const soon = iso(START + HOUR / 2);
    expect((await issue(maker, { expiresAt: soon })).expiresAt).to.equal(soon);
    expect(await refused(issue(maker, { expiresAt: iso(START + HOUR + 1) }))).to.deep.equal([
      'forbidden',
      '/expiresAt',
    ]);
    expect((await issue(await key())).expiresAt).to.equal(null);
    expect((await issue(ada(), { expiresAt: iso(START + 9 * HOUR) })).expiresAt).to.equal(iso(START + 9 * HOUR));
  });

  it('lives no longer for rotating itself, and gives a key that it rotates no longer life than its own', async () => {
    const maker = await key({ expiresAt: START + 4 * HOUR });
    const other = await key();
    now += 3 * HOUR;
    expect((await rotate(maker, other.id)).expiresAt).to.equal(iso(START + 4 * HOUR));
    expect((await rotate(maker, maker.id)).expiresAt).to.equal(iso(START + 4 * HOUR));
    const renewed = await key({ expiresAt: START + 4 * HOUR });
    now += HOUR / 2;
    const life = START + 4 * HOUR - (START + 3 * HOUR);
    expect((await rotate(ada(), renewed.id)).expiresAt).to.equal(iso(now + life));
  });

  it('gives its children its limit, and rotates none that may ask more often', async () => {
    const maker = await key({ requestsPerMinute: 10 });
    const child = await issue(maker);
    expect(child.limits).to.deep.equal({ requestsPerMinute: 10 });
    expect((await issue(ada())).limits).to.deep.equal({ requestsPerMinute: null });
    const [less, more] = [await key({ requestsPerMinute: 9 }), await key({ requestsPerMinute: 11 })];
    expect((await rotate(maker, less.id)).limits).to.deep.equal({ requestsPerMinute: 9 });
    for (const id of [more.id, (await key()).id])
      expect(await refused(rotate(maker, id))).to.deep.equal(['forbidden', '/requestsPerMinute']);
    expect((await rotate(maker, maker.id)).limits).to.deep.equal({ requestsPerMinute: 10 });
  });

  it('sets no limit of its own, and of others, its maker and its children among them, none beyond its own', async () => {
    const maker = await key({ requestsPerMinute: 10 });
    const { id } = await issue(maker);
    expect(await refused(limit(maker, maker.id, 5))).to.deep.equal(['forbidden', undefined]);
    for (const asked of [11, null])
      for (const other of [id, (await key()).id])
        expect(await refused(limit(maker, other, asked))).to.deep.equal(['forbidden', '/requestsPerMinute']);
    expect((await limit(maker, id, 10)).limits).to.deep.equal({ requestsPerMinute: 10 });
    expect((await limit(ada(), id, null)).limits).to.deep.equal({ requestsPerMinute: null });
  });

  it('without a limit of its own is bound by the one of everybody, where there is one', async () => {
    const [maker, other] = [await key(), await key()];
    expect((await limit(maker, other.id, 5_000)).limits).to.deep.equal({ requestsPerMinute: 5_000 });
    limitPerKey = 600;
    expect(await refused(limit(maker, other.id, 601))).to.deep.equal(['forbidden', '/requestsPerMinute']);
    expect((await limit(maker, other.id, null)).limits).to.deep.equal({ requestsPerMinute: null });
    const strict = await key({ requestsPerMinute: 60 });
    expect(await refused(limit(strict, other.id, null))).to.deep.equal(['forbidden', '/requestsPerMinute']);
    const roomy = await key({ requestsPerMinute: 1_000 });
    expect((await limit(roomy, other.id, 1_000)).limits).to.deep.equal({ requestsPerMinute: 1_000 });
  });

  it('limits and revokes none that holds what it lacks, nor does a person', async () => {
    const mighty = await key({ scopes: ['platform', 'keys:write'] });
    const narrow = await key({ models: ['a'] });
    for (const caller of [await key(), ada()]) {
      expect(await refused(limit(caller, mighty.id, 1))).to.deep.equal(['forbidden', undefined]);
      expect(await refused(revoke(caller, mighty.id))).to.deep.equal(['forbidden', undefined]);
    }
    const wide = await key();
    expect(await refused(revoke(narrow, wide.id))).to.deep.equal(['forbidden', undefined]);
    await revoke(ada(), wide.id);
    await revoke(mighty, mighty.id);
    // Its scopes are more than its person holds now; its own end it may make all the same.
    const outgrown = await key({ scopes: ['keys:write', 'platform'], personId: 'ada' });
    await revoke({ ...outgrown, permissions: new Set(['keys:write']) }, outgrown.id);
    expect((await ports.store.readStream(apiKeys.stream(outgrown.id))).at(-1)?.type).to.equal('ApiKeyRevoked');
  });
});
