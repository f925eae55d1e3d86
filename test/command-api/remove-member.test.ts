// Taking someone out of a tenant together with the keys that they made there, and what a repeat of it is told.

import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { apiKeys } from '#events/api-key.ts';
import { members } from '#events/member.ts';
import { categoryOf } from '#events/streams.ts';
import { tenants } from '#events/tenant.ts';
import type { ApiKeyView } from '#contracts/api-keys.ts';
import type { Answer } from '#platform/http/route.ts';
import { Problem } from '#platform/http/problem.ts';
import { newId } from '#platform/new-id.ts';
import { createRoleHandlers } from '../../command-api/members/role-handlers.ts';
import { userRoutes } from '#contracts/users.ts';
import { type Asked, callerWith, callRoute, routePortsOf } from '../support/call-route.ts';
import { AS_INVITED } from '../support/given-projection.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';
import { refusal } from '../support/refusal.ts';

const TENANT = 'acme';
const HELD = ['users:write', 'models:read', 'inference:read', 'inference:write'];

describe('taking someone out of a tenant', () => {
  let ports: PeoplePorts;
  let routePorts: ReturnType<typeof routePortsOf>;
  let made: string[];
  beforeEach(async () => {
    ports = await openPeoplePorts();
    routePorts = routePortsOf(ports);
    await ports.keyring.createSubject(TENANT);
    const part = [
      createEvent('MembershipOffered', { userId: 'berta', role: 'member', expiresAt: 0, ...AS_INVITED }, by()),
      createEvent('MembershipAccepted', {}, by()),
    ];
    await ports.store.append(members.stream(TENANT, 'berta'), part, 'no_stream');
    made = [await key(['models:read']), await key(['inference:write'])];
  });
  afterEach(() => ports.keyring.close());

  const by = () => ({ ...ORIGIN, tenantId: TENANT, eventId: newId() });
  async function key(scopes: readonly string[]): Promise<string> {
    const id = newId();
    const bounds = { scopes, expiresAt: null, models: null, personId: 'berta' };
    const issued = createEvent('ApiKeyIssued', { name: 'k', hash: 'h', last4: '', ...bounds }, by());
    await ports.store.append(apiKeys.stream(id), [issued], 'no_stream');
    return id;
  }
  /** As the read side lists them: those that are not revoked. */
  const apiKeysMadeBy = async () => {
    const states = await ports.standings.get(made.map((id) => apiKeys.stream(id)));
    return made.filter((_, i) => {
      const standing = states[i];
      return standing?.of === 'apikey' && standing.state.status === 'active';
    });
  };

  const remove = async (keys: 'keep' | 'revoke', asked: Asked = {}): Promise<Answer> => {
    const { removeMember } = createRoleHandlers({ ...routePorts, apiKeysMadeBy, now: Date.now });
    const bound = { route: userRoutes.removeMember, handle: removeMember as never };
    return callRoute([bound], 'removeMember', callerWith(HELD, { tenantId: TENANT }), {
      params: { id: 'berta', tenantId: TENANT },
      query: { keys },
      ...asked,
    });
  };
  const keysIn = ({ body }: Answer) =>
    (body as { apiKeys: readonly ApiKeyView[] }).apiKeys.map(({ id, status }) => [id, status]);
  const log = () => ports.store.readAll(0n, 1_000);

  it('gives each event an id of its own, and all of them the command’s', async () => {
    await remove('revoke', { idempotencyKey: 'once' });
    const written = (await log()).slice(-3);
    expect(written.map(({ type }) => type)).to.deep.equal(['MembershipRevoked', 'ApiKeyRevoked', 'ApiKeyRevoked']);
    expect(new Set(written.map(({ id }) => id)).size).to.equal(3);
    expect(new Set(written.map(({ metadata }) => metadata.$causationId)).size).to.equal(1);
  });

  for (const keys of ['keep', 'revoke'] as const)
    it(`is answered to a repeat as the first time where it was to ${keys} the keys`, async () => {
      const first = await remove(keys, { idempotencyKey: 'once' });
      const status = keys === 'keep' ? 'active' : 'revoked';
      expect(keysIn(first)).to.deep.equal(made.map((id) => [id, status]));
      const before = (await log()).length;
      const again = await remove(keys, { idempotencyKey: 'once' });
      expect([again.status, again.body]).to.deep.equal([first.status, first.body]);
      expect(again.headers).to.include({ 'idempotent-replayed': 'true', etag: first.headers?.etag });
      expect(await log()).to.have.length(before);
    });

  it('is refused to who lacks what they hold, and changes nothing', async () => {
    const before = (await log()).length;
    const { removeMember } = createRoleHandlers({ ...routePorts, apiKeysMadeBy, now: Date.now });
    const bound = { route: userRoutes.removeMember, handle: removeMember as never };
    const asked = { params: { id: 'berta', tenantId: TENANT }, query: { keys: 'revoke' } };
    const lesser = callerWith(['users:write', 'models:read'], { tenantId: TENANT });
    const fault = await refusal(Problem, callRoute([bound], 'removeMember', lesser, asked));
    expect(fault).to.include({ code: 'forbidden' });
    expect(fault.message).to.include('inference:write, inference:read');
    expect(await log()).to.have.length(before);
  });

  it('is as little for them to do as to change the role', async () => {
    const tenant = createEvent('TenantCreated', { name: 'Acme' }, by());
    await ports.store.append(tenants.stream(TENANT), [tenant], 'no_stream');
    const before = (await log()).length;
    const { setRole } = createRoleHandlers({ ...routePorts, apiKeysMadeBy, now: Date.now });
    const bound = { route: userRoutes.setRole, handle: setRole as never };
    const change = (held: readonly string[]) =>
      callRoute([bound], 'setRole', callerWith(held, { tenantId: TENANT }), {
        params: { id: 'berta', tenantId: TENANT },
        body: { role: 'viewer' },
      });
    const lesser = await refusal(Problem, change(['users:write', 'models:read', 'inference:read']));
    expect(lesser).to.include({ code: 'forbidden' });
    expect(await log()).to.have.length(before);
    expect((await change(HELD)).status).to.equal(200);
  });

  it('is another command where something else is to become of the keys', async () => {
    await remove('keep', { idempotencyKey: 'once' });
    const { code } = await refusal(Problem, remove('revoke', { idempotencyKey: 'once' }));
    expect(code).to.equal('idempotency-key-reused');
    expect(keysIn(await remove('revoke'))).to.deep.equal(made.map((id) => [id, 'revoked']));
    expect(keysIn(await remove('revoke', { idempotencyKey: 'later' }))).to.deep.equal([]);
    expect((await remove('revoke', { idempotencyKey: 'later' })).headers).to.include({ 'idempotent-replayed': 'true' });
  });

  it('is finished by the repeat where the server died before it revoked the keys', async () => {
    ports.before.append = (stream) => {
      if (categoryOf(stream) === apiKeys.category) throw new Error('died');
    };
    await refusal(Error, remove('revoke', { idempotencyKey: 'once' }));
    delete ports.before.append;
    expect(keysIn(await remove('revoke', { idempotencyKey: 'once' }))).to.deep.equal(made.map((id) => [id, 'revoked']));
    expect(await apiKeysMadeBy()).to.deep.equal([]);
  });

  it('revokes no key that holds what whoever asks lacks', async () => {
    const mighty = await key(['platform']);
    made.push(mighty);
    const { length } = made;
    expect(keysIn(await remove('revoke')).map(([, status]) => status)).to.deep.equal(
      made.map((_, i) => (i === length - 1 ? 'active' : 'revoked')),
    );
  });
});
