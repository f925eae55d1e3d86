// Who may do what, made from the one permission table: every route, for every kind of caller, in their own tenant, in
// another one by header, and with another one in the path.

import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { allRoutes } from '#contracts/all-routes.ts';
import { type Permission, PERMISSIONS, ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import type { RouteContract } from '#contracts/route.ts';
import { type Api, createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { joinTenant, MANY_SIGN_IN, someEmail, signIn, somePassword } from '../support/people.ts';
import { describeFlow, type Flow } from './with-defter.ts';

const ADMIN = { email: someEmail('admin'), password: somePassword() };

/** What the table and the standing say of a request. */
type Verdict = 'let in' | 401 | 404 | 'forbidden' | 'tenant-suspended';

interface Caller {
  readonly api: Api;
  readonly kind: 'nobody' | 'person' | 'key';
  /** Where the caller acts unless they say otherwise; undefined for one that is not let in at all. */
  readonly tenantId: string | undefined;
  readonly permissions: readonly Permission[];
  /** A credential that is none any more. */
  readonly isVoid?: true;
  readonly isSuspended?: true;
}

/** Whose own account they are about: no tenant's suspension or permission stands before them. */
const ofPeople = new Set([
  'changePassword',
  'requestEmailChange',
  'updateMe',
  'listMySessions',
  'endMySession',
  'endMySessions',
]);

/** Open to any caller, as what they need depends on what is read: here it is no inference. */
const byWhatIsRead: Readonly<Record<string, Permission>> = { getStream: 'audit:read', diffStream: 'audit:read' };

/** Open to any caller, of a tenant that is not suspended. */
const ofTheTenant = new Set(['listMyActivity']);

const hasAllTenants = ({ permissions }: Caller) => permissions.includes('platform');

function verdict(route: RouteContract, caller: Caller, asked: { header?: string; path?: string } = {}): Verdict {
  if (route.public) return 'let in';
  if (caller.kind === 'nobody' || caller.isVoid) return 401;
  if (caller.isSuspended && caller.kind === 'key') return 'tenant-suspended';
  const isPlatforms = hasAllTenants(caller);
  if (asked.header !== undefined && asked.header !== caller.tenantId && !isPlatforms) return 'forbidden';
  const needed = byWhatIsRead[route.id];
  if (caller.isSuspended && (!route.anyCaller || needed !== undefined || ofTheTenant.has(route.id)))
    return 'tenant-suspended';
  if (caller.kind === 'key' && ofPeople.has(route.id)) return 'forbidden';
  if (needed !== undefined) return caller.permissions.includes(needed) ? 'let in' : 'forbidden';
  if (route.anyCaller) return 'let in';
  if (asked.path !== undefined && asked.path !== caller.tenantId && !isPlatforms) return 404;
  return caller.permissions.includes(route.permission as Permission) ? 'let in' : 'forbidden';
}

/** Not the contract's own example: that one needs a permission besides, takes a name twice, or changes who is calling. */
const bodies: Readonly<Record<string, () => unknown>> = {
  storeCredential: () => ({ name: 'upstream', kind: 'openai', value: randomBytes(12).toString('hex') }),
  createTenant: () => ({ name: randomUUID() }),
  updateMe: () => ({ language: 'en' }),
};
const queries: Readonly<Record<string, string>> = {
  endMySessions: '?keep=current',
  diffStream: '?from=0',
  diffTenant: '?from=0',
  getTenantHistory: '?from=0',
};

/** Things that are not there, so that nothing is changed where the caller is let in. */
function request(route: RouteContract, pathTenant: string): { path: string; body: unknown } {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === route.tenantFrom?.path || name === 'tenantId' ? pathTenant : randomUUID(),
  );
  const body = bodies[route.id]?.() ?? route.bodyExample ?? (route.body ? {} : undefined);
  return { path: `${path}${queries[route.id] ?? ''}`, body };
}

async function ask(caller: Caller, route: RouteContract, pathTenant: string, header?: string): Promise<Verdict> {
  const { path, body } = request(route, pathTenant);
  const headers = header === undefined ? {} : { 'x-tenant-id': header };
  const answer = await caller.api<{ code?: string; type?: string; detail?: string } | undefined>(route.method, path, {
    headers,
    ...(body !== undefined && { body }),
  });
  const code = answer.body?.type?.split('/').at(-1);
  if (answer.status === 401 && code === 'unauthorized') return 401;
  if (answer.status === 403 && (code === 'forbidden' || code === 'tenant-suspended')) return code;
  if (answer.status === 404 && pathTenant !== caller.tenantId && route.tenantFrom && !hasAllTenants(caller)) return 404;
  expect(answer.status, `${route.method} ${path}: ${JSON.stringify(answer.body)}`).to.be.below(500);
  return 'let in';
}

async function callersOf(flow: Flow): Promise<{ callers: Record<string, Caller>; other: string; own: string }> {
  const { api, as, newTenant, url } = flow;
  const [own, other, suspended] = [await newTenant('Own'), await newTenant('Other'), await newTenant('Suspended')];
  const inTenant =
    (tenant: string): Api =>
    (method, path, options = {}) =>
      api(method, path, { ...options, headers: { ...options.headers, 'x-tenant-id': tenant } });
  const person = async (tenantId: string, role: 'admin' | 'member' | 'viewer'): Promise<Caller & { id: string }> => {
    const { id, api } = await joinTenant(flow, inTenant(tenantId), role);
    return { api, id, kind: 'person', tenantId, permissions: ROLE_PERMISSIONS[role] };
  };
  const keyOf = async (
    tenantId: string,
    scopes: readonly Permission[],
    expiresAt?: string,
  ): Promise<Caller & { id: string }> => {
    const { status, body } = await inTenant(tenantId)<{ id: string; key: string }>('POST', '/v1/api-keys', {
      body: { name: 'a key', scopes, ...(expiresAt !== undefined && { expiresAt }) },
    });
    expect(status).to.equal(201);
    return { api: as(body.key), id: body.id, kind: 'key', tenantId, permissions: scopes };
  };
  const platform = createApi(url, (await signIn(url, ADMIN)).accessToken);
  const disabled = await person(own.id, 'admin');
  const removed = await person(own.id, 'member');
  const left = await person(own.id, 'admin');
  const revoked = await keyOf(own.id, ['models:read']);
  const soon = new Date(Date.now() + 1_500).toISOString();
  const expired = await keyOf(own.id, ['models:read'], soon);
  const ofSuspended = await person(suspended.id, 'admin');
  const keyOfSuspended = await keyOf(suspended.id, ROLE_PERMISSIONS.admin);
  const done = [
    await api('POST', `/v1/users/${disabled.id}/disable`),
    await api('DELETE', `/v1/users/${removed.id}/roles/${own.id}`),
    await api('DELETE', `/v1/api-keys/${revoked.id}`, { headers: { 'x-tenant-id': own.id } }),
    await api('POST', `/v1/tenants/${suspended.id}/suspend`, { body: { reason: 'a test' } }),
    await left.api('POST', '/v1/auth/logout'),
  ];
  expect(done.map(({ status }) => status)).to.deep.equal([200, 200, 204, 200, 204]);
  const callers: Record<string, Caller> = {
    'who is signed out': { api: createApi(url, undefined), kind: 'nobody', tenantId: undefined, permissions: [] },
    'a viewer': await person(own.id, 'viewer'),
    'a member': await person(own.id, 'member'),
    'an admin': await person(own.id, 'admin'),
    'an admin of another tenant': await person(other.id, 'admin'),
    'a platform admin': { api: platform, kind: 'person', tenantId: 'default', permissions: PERMISSIONS },
    'who was taken out': { ...removed, permissions: [] },
    'who is disabled': { ...disabled, isVoid: true },
    'who has signed out': { ...left, isVoid: true },
    'a key that reads': await keyOf(own.id, ['inference:read', 'models:read']),
    'a key of an admin': await keyOf(own.id, ROLE_PERMISSIONS.admin),
    'a key with every permission': { api, kind: 'key', tenantId: 'default', permissions: PERMISSIONS },
    'a revoked key': { ...revoked, isVoid: true },
    'an expired key': { ...expired, isVoid: true },
    'an admin of a suspended tenant': { ...ofSuspended, isSuspended: true },
    'a key of a suspended tenant': { ...keyOfSuspended, isSuspended: true },
  };
  await eventually(async () => expect((await expired.api('GET', '/v1/me')).status).to.equal(401));
  return { callers, own: own.id, other: other.id };
}

describeFlow(
  'who may do what',
  (flow) => {
    let made: Awaited<ReturnType<typeof callersOf>>;
    before(async function () {
      this.timeout(120_000);
      made = await callersOf(flow());
    });

    for (const route of allRoutes)
      it(`${route.method} ${route.path}`, async function () {
        this.timeout(60_000);
        const { callers, own, other } = made;
        for (const [name, caller] of Object.entries(callers)) {
          // Who signs out is another caller from then on.
          if (route.id === 'logout' && caller.kind === 'person') continue;
          const at = caller.tenantId ?? own;
          const elsewhere = at === other ? own : other;
          expect(await ask(caller, route, at), name).to.equal(verdict(route, caller));
          expect(await ask(caller, route, at, elsewhere), `${name}, in another tenant`).to.equal(
            verdict(route, caller, { header: elsewhere }),
          );
          if (!route.tenantFrom) continue;
          expect(await ask(caller, route, elsewhere), `${name}, with another tenant in the path`).to.equal(
            verdict(route, caller, { path: elsewhere }),
          );
        }
      });
  },
  { env: { ...MANY_SIGN_IN, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password }, anyBus: true },
);
