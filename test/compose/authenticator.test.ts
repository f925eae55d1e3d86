import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { PERMISSIONS, ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import type { EventData } from '#events/aggregates.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { evolveStanding, type Standing } from '#events/standing.ts';
import { identifyApiKey } from '#platform/auth/api-key.ts';
import type { Authentication } from '#platform/auth/authenticate.ts';
import type { TokenFound } from '#platform/http/authentication.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller } from '#platform/http/route.ts';
import { createAuthenticator } from '../../compose/authenticator.ts';
import { AS_INVITED } from '../support/given-projection.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';

const key = randomBytes(24).toString('hex');
const { id: keyId, hash } = identifyApiKey(key);
const SESSION = '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f';
const DAY = 86_400_000;

const of = (tenantId: string): Origin => ({ ...ORIGIN, tenantId });
const sealed = { keyId: 'berta/2026-01-01', sealed: 'AA==', blob: null, bytes: 2 };

const issued = (change: Partial<EventData<'ApiKeyIssued'>> = {}): NewEvent =>
  createEvent(
    'ApiKeyIssued',
    {
      name: 'ci',
      hash,
      last4: 'wxyz',
      scopes: ['inference:read', 'keys:write'],
      expiresAt: null,
      models: null,
      personId: null,
      ...change,
    },
    of('acme'),
  );
const part = (role: string, tenantId: string) => [
  createEvent('MembershipOffered', { userId: 'berta', role, expiresAt: 0, ...AS_INVITED }, of(tenantId)),
  createEvent('MembershipAccepted', {}, of(tenantId)),
];
const invited = createEvent('UserInvited', { email: sealed, name: sealed, language: 'en' }, of('platform'));
const registered = createEvent('UserRegistered', { name: sealed, language: 'en' }, of('platform'));
const started = (epoch: number) => createEvent('SessionStarted', { userId: 'berta', epoch }, of('platform'));
const passwordSet = (keptSession: string | null, mustChange = false) =>
  createEvent('PasswordSet', { hash: sealed, mustChange, keptSession }, of('platform'));
const suspended = createEvent('TenantSuspended', { reason: 'unpaid' }, of('acme'));

/** What was written of each stream, and what was asked for. */
function installation(written: Readonly<Record<string, readonly NewEvent[]>>) {
  const streams = new Map<string, readonly NewEvent[]>(
    Object.entries({
      'tenant-acme': [createEvent('TenantCreated', { name: 'Acme' }, of('acme'))],
      'tenant-other': [createEvent('TenantCreated', { name: 'Other' }, of('other'))],
      'tenant-platform': [createEvent('TenantCreated', { name: 'platform' }, of('platform'))],
      ...written,
    }),
  );
  const asked: string[][] = [];
  const standingOf = (stream: string) =>
    streams
      .get(stream)
      ?.map((event, revision) => recorded(event, stream, revision))
      .reduce<Standing | undefined>(evolveStanding, undefined);
  let now = 2_000;
  const authenticate = createAuthenticator(
    {
      async get(names) {
        asked.push([...names]);
        return names.map(standingOf);
      },
    },
    () => now,
  );
  const ask = (headers: Readonly<Record<string, string>>, found: TokenFound = {}) => authenticate({ headers }, found);
  return {
    asked,
    streams,
    at: (time: number) => void (now = time),
    withKey: async (headers: Readonly<Record<string, string>> = {}) =>
      ask({ authorization: `Bearer ${key}`, ...headers }),
    withToken: async (headers: Readonly<Record<string, string>> = {}) =>
      ask(
        { authorization: 'Bearer eyJ.a.b', ...headers },
        {
          tokenSent: true,
          token: { userId: 'berta', sessionId: SESSION, tenantId: 'acme' },
        },
      ),
    ask,
  };
}

function callerOf(answer: Authentication): Caller {
  if (!answer.ok) throw new Error(`refused: ${answer.reason}`);
  return answer.caller;
}
const reasonOf = (answer: Authentication) => (answer.ok ? 'let in' : answer.reason);

describe('who calls with an API key', () => {
  it('is asked for each time, from the second time on with the tenant of the key at once', async () => {
    const { withKey, asked, streams } = installation({});
    expect(reasonOf(await withKey())).to.equal('unknown');
    streams.set(`apikey-${keyId}`, [issued()]);
    const caller = callerOf(await withKey());
    expect(caller).to.deep.include({ tenantId: 'acme', holder: 'acme', actor: { kind: 'api-key', id: keyId } });
    expect([...caller.permissions]).to.deep.equal(['inference:read', 'keys:write']);
    await withKey();
    streams.set(`apikey-${keyId}`, [issued(), createEvent('ApiKeyRevoked', {}, of('acme'))]);
    expect(reasonOf(await withKey())).to.equal('revoked');
    const own = [`apikey-${keyId}`, 'tenant-acme'];
    expect(asked).to.deep.equal([[`apikey-${keyId}`], [`apikey-${keyId}`], ['tenant-acme'], own, own]);
  });

  it('is nobody with a key of another secret, or one that has expired', async () => {
    const other = installation({ [`apikey-${keyId}`]: [issued({ hash: identifyApiKey(`${key}x`).hash })] });
    expect(reasonOf(await other.withKey())).to.equal('unknown');
    const late = installation({ [`apikey-${keyId}`]: [issued({ expiresAt: 5_000 })] });
    expect(reasonOf(await late.withKey())).to.equal('let in');
    late.at(5_000);
    expect(reasonOf(await late.withKey())).to.equal('expired');
  });

  it('holds nothing until the person who made it has set the password that they must', async () => {
    const { withKey, streams } = installation({
      [`apikey-${keyId}`]: [issued({ personId: 'berta' })],
      'user-berta': [invited, registered, passwordSet(null, true)],
      'member-acme-berta': part('admin', 'acme'),
    });
    expect([...callerOf(await withKey()).permissions]).to.deep.equal([]);
    streams.set('user-berta', [invited, registered, passwordSet(null, true), passwordSet(null)]);
    expect([...callerOf(await withKey()).permissions]).to.deep.equal(['inference:read', 'keys:write']);
  });

  it('holds no more than the person who made it holds now', async () => {
    const { withKey, streams } = installation({
      [`apikey-${keyId}`]: [issued({ personId: 'berta' })],
      'user-berta': [invited, registered],
      'member-acme-berta': part('admin', 'acme'),
    });
    expect([...callerOf(await withKey()).permissions]).to.deep.equal(['inference:read', 'keys:write']);
    streams.set('member-acme-berta', part('viewer', 'acme'));
    expect([...callerOf(await withKey()).permissions]).to.deep.equal(['inference:read']);
    streams.set('member-acme-berta', [
      ...part('admin', 'acme'),
      createEvent('MembershipRevoked', { keys: [] }, of('acme')),
    ]);
    expect([...callerOf(await withKey()).permissions]).to.deep.equal([]);
    streams.set('user-berta', [invited, registered, createEvent('UserDisabled', {}, of('platform'))]);
    expect(reasonOf(await withKey())).to.equal('revoked');
  });

  it('is refused while the tenant is suspended, and told why; who holds `platform` is not', async () => {
    const tenant = [createEvent('TenantCreated', { name: 'Acme' }, of('acme')), suspended];
    const { withKey, streams } = installation({ 'tenant-acme': tenant, [`apikey-${keyId}`]: [issued()] });
    expect(await withKey()).to.deep.include({
      ok: false,
      reason: 'suspended',
      detail: 'The tenant is suspended: unpaid',
    });
    streams.set(`apikey-${keyId}`, [issued({ scopes: ['platform'] })]);
    expect(reasonOf(await withKey())).to.equal('let in');
  });

  it('may choose a tenant only with `platform`, and one that there is', async () => {
    const { withKey, streams } = installation({ [`apikey-${keyId}`]: [issued()] });
    expect(callerOf(await withKey({ 'x-tenant-id': 'acme' })).tenantId).to.equal('acme');
    expect(reasonOf(await withKey({ 'x-tenant-id': 'other' }))).to.equal('no-part');
    streams.set(`apikey-${keyId}`, [issued({ scopes: ['platform'] })]);
    expect(callerOf(await withKey({ 'x-tenant-id': 'other' }))).to.include({ tenantId: 'other', holder: 'acme' });
    expect(reasonOf(await withKey({ 'x-tenant-id': 'nowhere' }))).to.equal('no-part');
  });

  it('has the limit of the tenant in which the request acts, and its own wherever it acts', async () => {
    const limited = (id: string, requestsPerMinute: number) => [
      createEvent('TenantCreated', { name: id }, of(id)),
      createEvent('TenantLimitsSet', { requestsPerMinute }, of(id)),
    ];
    const { withKey, streams } = installation({
      [`apikey-${keyId}`]: [issued({ scopes: ['platform'] })],
      'tenant-other': limited('other', 7),
    });
    expect(callerOf(await withKey()).limits).to.equal(undefined);
    const there = callerOf(await withKey({ 'x-tenant-id': 'other' }));
    expect([there.tenantId, there.limits]).to.deep.equal(['other', { own: undefined, tenant: 7 }]);
    streams.set('tenant-acme', limited('acme', 3));
    streams.set(`apikey-${keyId}`, [
      issued({ scopes: ['platform'] }),
      createEvent('ApiKeyLimitsSet', { requestsPerMinute: 5 }, of('acme')),
    ]);
    expect(callerOf(await withKey()).limits).to.deep.equal({ own: 5, tenant: 3 });
    expect(callerOf(await withKey({ 'x-tenant-id': 'other' })).limits).to.deep.equal({ own: 5, tenant: 7 });
    expect(callerOf(await withKey({ 'x-tenant-id': 'platform' })).limits).to.deep.equal({ own: 5, tenant: undefined });
  });

  for (const tenantId of ['', 'a b', '../x', 'ä', 'a, b', 'x'.repeat(65)])
    it(`is told that ${JSON.stringify(tenantId)} can be no tenant`, async () => {
      const { withKey } = installation({ [`apikey-${keyId}`]: [issued()] });
      expect(reasonOf(await withKey({ 'x-tenant-id': tenantId }))).to.equal('malformed-tenant');
    });
});

describe('who calls with an access token', () => {
  const berta = {
    'user-berta': [invited, registered],
    [`session-${SESSION}`]: [started(0)],
    'member-acme-berta': part('member', 'acme'),
    'member-other-berta': part('viewer', 'other'),
  };

  it('is the person, with what their role is good for in the tenant of the token or the one asked for', async () => {
    const { withToken, asked } = installation(berta);
    const caller = callerOf(await withToken());
    expect(caller).to.deep.include({ tenantId: 'acme', holder: 'berta', actor: { kind: 'user', id: 'berta' } });
    expect(caller.sessionId).to.equal(SESSION);
    expect([...caller.permissions]).to.deep.equal([...ROLE_PERMISSIONS.member]);
    expect(asked).to.have.length(1);
    const other = callerOf(await withToken({ 'x-tenant-id': 'other' }));
    expect([...other.permissions]).to.deep.equal([...ROLE_PERMISSIONS.viewer]);
    expect(await other.permissionsIn('acme')).to.deep.equal(caller.permissions);
    expect(await other.permissionsIn('platform')).to.equal(undefined);
  });

  it('has no part in a tenant that there is not, nor in another’s', async () => {
    const { withToken, streams } = installation(berta);
    for (const tenant of ['nowhere', 'platform'])
      expect(reasonOf(await withToken({ 'x-tenant-id': tenant })), tenant).to.equal('no-part');
    streams.set('member-platform-berta', part('platform-admin', 'platform'));
    expect(reasonOf(await withToken({ 'x-tenant-id': 'nowhere' }))).to.equal('no-part');
    expect([...callerOf(await withToken({ 'x-tenant-id': 'platform' })).permissions]).to.deep.equal([...PERMISSIONS]);
  });

  it('may do nothing where the membership is only offered, was revoked, or is of a role that is of another place', async () => {
    const { withToken, streams } = installation(berta);
    for (const membership of [
      part('member', 'acme').slice(0, 1),
      [...part('member', 'acme'), createEvent('MembershipRevoked', { keys: [] }, of('acme'))],
      part('platform-admin', 'acme'),
      part('owner', 'acme'),
      part('__proto__', 'acme'),
    ]) {
      streams.set('member-acme-berta', membership);
      expect([...callerOf(await withToken()).permissions]).to.deep.equal([]);
      expect(reasonOf(await withToken({ 'x-tenant-id': 'acme' }))).to.equal('no-part');
    }
  });

  for (const [what, change] of [
    [
      'has ended',
      { [`session-${SESSION}`]: [started(0), createEvent('SessionEnded', { reason: 'revoked' }, of('platform'))] },
    ],
    ['there is not', { [`session-${SESSION}`]: [] }],
    [
      'is another person’s',
      { [`session-${SESSION}`]: [createEvent('SessionStarted', { userId: 'anna', epoch: 0 }, of('platform'))] },
    ],
    ['is of an epoch that is over', { 'user-berta': [invited, registered, passwordSet(null)] }],
    ['was not the one kept', { 'user-berta': [invited, registered, passwordSet('another')] }],
    [
      'is of a person who is disabled',
      { 'user-berta': [invited, registered, createEvent('UserDisabled', {}, of('platform'))] },
    ],
  ] as const)
    it(`is nobody in a session that ${what}`, async () => {
      expect(reasonOf(await installation({ ...berta, ...change }).withToken())).to.equal('session-ended');
    });

  it('goes on in the one session that a new password keeps, and is told to set one where it must', async () => {
    const kept = installation({ ...berta, 'user-berta': [invited, registered, passwordSet(SESSION)] });
    expect(callerOf(await kept.withToken()).mustChangePassword).to.equal(undefined);
    const made = installation({ ...berta, 'user-berta': [invited, registered, passwordSet(SESSION, true)] });
    expect(callerOf(await made.withToken()).mustChangePassword).to.equal(true);
  });

  it('is nobody 30 days after the last refresh', async () => {
    const { withToken, at } = installation(berta);
    at(30 * DAY);
    expect(reasonOf(await withToken())).to.equal('let in');
    at(30 * DAY + 2_000);
    expect(reasonOf(await withToken())).to.equal('session-ended');
  });

  it('is told why nobody may act in a tenant that is suspended, from wherever they reach for it', async () => {
    const tenant = [createEvent('TenantCreated', { name: 'Acme' }, of('acme')), suspended];
    const { withToken, streams } = installation({ ...berta, 'tenant-acme': tenant });
    expect(callerOf(await withToken()).suspended).to.equal('unpaid');
    const elsewhere = callerOf(await withToken({ 'x-tenant-id': 'other' }));
    expect(elsewhere.suspended).to.equal(undefined);
    const reached = await Promise.resolve(elsewhere.permissionsIn('acme')).catch((error: unknown) => error);
    expect(reached).to.be.instanceOf(Problem).and.to.include({ code: 'tenant-suspended' });
    streams.set('member-platform-berta', part('platform-admin', 'platform'));
    expect(callerOf(await withToken()).suspended).to.equal(undefined);
  });

  it('is told when only the token has expired', async () => {
    const { ask } = installation(berta);
    const expired = Object.assign(new Error('jwt expired'), { name: 'TokenExpiredError' });
    const headers = { authorization: 'Bearer eyJ.a.b' };
    expect(reasonOf(await ask(headers, { tokenSent: true, jwtOriginalError: expired }))).to.equal('token-expired');
    expect(reasonOf(await ask(headers, { tokenSent: true, jwtOriginalError: new Error('no') }))).to.equal('unknown');
  });
});
