import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { UserView } from '#contracts/users.ts';
import type { Api, ApiAnswer } from '../support/api-client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { storedBytes } from '../support/stored-bytes.ts';
import { describeFlow } from './with-defter.ts';

interface List {
  readonly data: UserView[];
  readonly next: string | null;
}

const WEEK_MS = 7 * 86_400_000;
const tokenOf = (answer: ApiAnswer<unknown>) => ({
  'x-consistency-token': answer.headers.get('x-consistency-token') ?? '',
});
const invite = (api: Api, body: object, headers: Record<string, string> = {}) =>
  api<UserView>('POST', '/v1/users', { body, headers });
const get = (api: Api, id: string) => api<UserView>('GET', `/v1/users/${id}`);
const list = (api: Api, query = '', after?: ApiAnswer<unknown>) =>
  api<List>('GET', `/v1/users?limit=100${query}`, { headers: after ? tokenOf(after) : {} });
let people = 0;
const someone = (name = 'someone') => `${name}-${++people}@example.com`;

describeFlow('an invitation', (flow) => {
  it('makes a person, shown to who may read the people of the tenant and to no other', async () => {
    const { api, newTenant } = flow();
    const [tenant, other] = [await newTenant('Hosts'), await newTenant('Strangers')];
    const email = someone();
    const made = await invite(tenant.api, { email, name: 'Ada Lovelace', role: 'viewer', language: 'tr' });
    expect(made.status).to.equal(201);
    expect(made.headers.get('location')).to.equal(`/v1/users/${made.body.id}`);
    expect(made.body).to.deep.include({
      object: 'user',
      email,
      name: 'Ada Lovelace',
      language: 'tr',
      status: 'invited',
      role: 'viewer',
      membership: 'offered',
    });
    const goodFor = Date.parse(made.body.invitationExpiresAt ?? '') - Date.parse(made.body.createdAt);
    expect(goodFor).to.be.within(WEEK_MS - 60_000, WEEK_MS + 60_000);
    const read = await get(tenant.api, made.body.id);
    expect([read.body, read.headers.get('etag')]).to.deep.equal([made.body, made.headers.get('etag')]);
    expect((await list(tenant.api, '', made)).body.data).to.deep.equal([made.body]);
    expectProblem(await get(other.api, made.body.id), 404, 'not-found');
    expect((await list(other.api, '', undefined)).body.data).to.deep.equal([]);
    // The platform sees anyone, here without a part in its own tenant.
    expect((await get(api, made.body.id)).body).to.include({ email, role: null, membership: null });
    expectProblem(await get(api, randomUUID()), 404, 'not-found');
  });

  it('has what it leaves out by itself', async () => {
    const { api } = await flow().newTenant('Plain hosts');
    const made = await invite(api, { email: someone() });
    expect(made.body).to.include({ name: null, language: 'en', role: 'member', membership: 'offered' });
  });

  it('gives no more than whoever invites holds', async () => {
    const { newTenant, api } = flow();
    const helper = await newTenant('Helpers', ['users:write', 'users:read', 'inference:read', 'models:read']);
    expect((await invite(helper.api, { email: someone(), role: 'viewer' })).status).to.equal(201);
    const { errors } = expectProblem(
      await invite(helper.api, { email: someone(), role: 'member' }),
      403,
      'forbidden',
      '/role',
    );
    expect(JSON.stringify(errors)).to.include('inference:write');
    expectProblem(await invite(helper.api, { email: someone(), role: 'admin' }), 403, 'forbidden', '/role');
    for (const role of ['platform-admin', 'owner', '__proto__', 'constructor', ''])
      expectProblem(await invite(api, { email: someone(), role }), 422, 'invalid-request', '/role');
    const reader = await newTenant('Readers', ['users:read']);
    expectProblem(await invite(reader.api, { email: someone() }), 403, 'forbidden');
  });

  it('is for an e-mail address, and for one as it is written', async () => {
    const { api } = await flow().newTenant('Careful hosts');
    for (const email of ['ada', 'ada@', '@example.com', 'ada@example.com\r\nBcc: eve@example.com', 'a b@c.de', '', 7])
      expectProblem(await invite(api, { email }), 422, 'invalid-request', '/email');
    expectProblem(await invite(api, { email: someone(), __proto__x: 1 }), 422, 'invalid-request');
    const made = await invite(api, { email: 'Odd+Tag.İpek@BÜCHER.example' });
    expect(made.body.email).to.equal('Odd+Tag.İpek@BÜCHER.example');
    const same = await invite(api, { email: 'odd+tag.ipek@xn--bcher-kva.example' });
    expect(same.body).to.include({ id: made.body.id, email: 'odd+tag.ipek@xn--bcher-kva.example' });
    const dotless = await invite(api, { email: 'odd+tag.ıpek@bücher.example' });
    expect(dotless.body.id).not.to.equal(made.body.id);
  });

  it('is one person’s in every tenant, each with a part of its own', async () => {
    const { newTenant } = flow();
    const [one, two] = [await newTenant('First hosts'), await newTenant('Second hosts')];
    const email = someone();
    const first = await invite(one.api, { email, name: 'As the first said', role: 'viewer' });
    const second = await invite(two.api, { email: email.toUpperCase(), name: 'As the second said', role: 'admin' });
    expect(second.body).to.include({ id: first.body.id, name: 'As the second said', role: 'admin' });
    expect(second.body.email).to.equal(email.toUpperCase());
    expect((await get(one.api, first.body.id)).body).to.include({ role: 'viewer', name: 'As the first said', email });
    expect((await one.api('DELETE', `/v1/users/${first.body.id}/invitation`)).status).to.equal(204);
    expect((await get(two.api, first.body.id)).body).to.include({ role: 'admin', membership: 'offered' });
  });

  it('sent again is good for a week from then on', async () => {
    const { api } = await flow().newTenant('Patient hosts');
    const email = someone();
    const made = await invite(api, { email, role: 'viewer' });
    const again = await api<UserView>('POST', `/v1/users/${made.body.id}/invitation`);
    expect(again.status).to.equal(200);
    expect(again.body).to.deep.equal({ ...made.body, invitationExpiresAt: again.body.invitationExpiresAt });
    expect(Date.parse(again.body.invitationExpiresAt ?? '')).to.be.greaterThan(
      Date.parse(made.body.invitationExpiresAt ?? ''),
    );
    expect(again.headers.get('etag')).not.to.equal(made.headers.get('etag'));
    expect((await get(api, made.body.id)).headers.get('etag')).to.equal(again.headers.get('etag'));
    const anew = await invite(api, { email, role: 'member' });
    expect(anew.body).to.include({ id: made.body.id, role: 'member', membership: 'offered' });
    expect((await list(api, '', anew)).body.data).to.deep.equal([anew.body]);
    expectProblem(await api('POST', `/v1/users/${randomUUID()}/invitation`), 404, 'not-found');
  });

  it('of a role beyond one’s own is not for them to send again', async () => {
    const { api, newTenant } = flow();
    const tenant = await newTenant('Two kinds of hosts');
    const made = await invite(tenant.api, { email: someone(), role: 'admin' });
    const body = { name: 'helper', scopes: ['users:write', 'users:read'], tenantId: tenant.id };
    const issued = await api<{ key: string }>('POST', '/v1/api-keys', { body });
    const helper = flow().as(issued.body.key);
    expectProblem(await helper('POST', `/v1/users/${made.body.id}/invitation`), 403, 'forbidden', '/role');
    expect((await helper('DELETE', `/v1/users/${made.body.id}/invitation`)).status).to.equal(204);
  });

  it('taken back is gone, and may be made again', async () => {
    const { api } = await flow().newTenant('Fickle hosts');
    const email = someone();
    const made = await invite(api, { email });
    const path = `/v1/users/${made.body.id}/invitation`;
    const taken = await api('DELETE', path);
    expect([taken.status, (await api('DELETE', path)).status]).to.deep.equal([204, 204]);
    expectProblem(await get(api, made.body.id), 404, 'not-found');
    expectProblem(await api('POST', path), 404, 'not-found');
    expectProblem(await api('DELETE', `/v1/users/${randomUUID()}/invitation`), 404, 'not-found');
    expect((await list(api, '', taken)).body.data).to.deep.equal([]);
    const anew = await invite(api, { email });
    expect(anew.body.id).to.equal(made.body.id);
    expect((await list(api, '', anew)).body.data).to.deep.equal([anew.body]);
  });

  it('with an Idempotency-Key is answered to a repeat as the first time', async () => {
    const { api } = await flow().newTenant('Doubters');
    const headers = { 'idempotency-key': randomUUID() };
    const body = { email: someone(), role: 'viewer' };
    const [one, two] = await Promise.all([invite(api, body, headers), invite(api, body, headers)]);
    expect([one.status, two.status]).to.deep.equal([201, 201]);
    expect(one.body).to.deep.equal(two.body);
    await api('DELETE', `/v1/users/${one.body.id}/invitation`);
    const three = await invite(api, body, headers);
    expect(three.body).to.deep.equal(one.body);
    expect(three.headers.get('idempotent-replayed')).to.equal('true');
    expectProblem(await get(api, one.body.id), 404, 'not-found');
    expectProblem(
      await invite(api, { ...body, email: someone() }, headers),
      422,
      'idempotency-key-reused',
      '/idempotency-key',
    );
  });

  it('of one address by many at once makes one person with one part', async () => {
    const { api } = await flow().newTenant('Crowds');
    for (let round = 0; round < 5; round++) {
      const email = someone();
      const all = await Promise.all(
        [email, email.toUpperCase(), email, email].map((one) => invite(api, { email: one })),
      );
      expect(all.map(({ status }) => status)).to.deep.equal([201, 201, 201, 201]);
      expect(new Set(all.map(({ body }) => body.id)).size).to.equal(1);
    }
    expect((await list(api)).body.data).to.have.length(5);
  });

  it('is listed page by page, by what has become of it', async () => {
    const { api } = await flow().newTenant('Many hosts');
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.push((await invite(api, { email: someone() })).body.id);
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: ApiAnswer<List> = await api('GET', `/v1/users?limit=3&membership=offered${next && `&after=${next}`}`);
      seen.push(...page.body.data.map(({ id }) => id));
      next = page.body.next;
    }
    expect(seen).to.deep.equal(ids.toReversed());
    expect((await list(api, '&membership=active')).body).to.deep.include({ data: [], next: null });
    expectProblem(await list(api, '&membership=revoked'), 422, 'invalid-request', '/membership');
  });
});

describeFlow('a person', (flow) => {
  it('is disabled and enabled by the platform alone', async () => {
    const { api, newTenant } = flow();
    const tenant = await newTenant('Their hosts');
    const made = await invite(tenant.api, { email: someone() });
    const at = (verb: string) => `/v1/users/${made.body.id}/${verb}`;
    for (const verb of ['disable', 'enable', 'unlock'])
      expectProblem(await tenant.api('POST', at(verb)), 403, 'forbidden');
    const disabled = await api<UserView>('POST', at('disable'));
    expect(disabled.status).to.equal(200);
    expect(disabled.body).to.include({ id: made.body.id, status: 'disabled', role: null, membership: null });
    expect((await get(tenant.api, made.body.id)).body).to.include({ status: 'invited', role: 'member' });
    expect((await api('POST', at('disable'))).status).to.equal(200);
    const enabled = await api<UserView>('POST', at('enable'));
    expect(enabled.body).to.include({ status: 'invited' });
    expect((await get(api, made.body.id)).headers.get('etag')).to.equal(enabled.headers.get('etag'));
    expect((await api('POST', at('unlock'))).status).to.equal(204);
    for (const verb of ['disable', 'enable', 'unlock'])
      expectProblem(await api('POST', `/v1/users/${randomUUID()}/${verb}`), 404, 'not-found');
  });

  it('is given a role by an invitation; the platform may invite into any tenant, and into its own', async () => {
    const { api, newTenant } = flow();
    const tenant = await newTenant('Appointed');
    const made = await invite(tenant.api, { email: someone(), role: 'viewer' });
    const at = (tenantId: string) => `/v1/users/${made.body.id}/roles/${tenantId}`;
    const raised = await tenant.api('PUT', at(tenant.id), { body: { role: 'admin' } });
    expect(raised.status).to.equal(200);
    expect(raised.body).to.deep.equal({ id: tenant.id, name: 'Appointed', role: 'admin' });
    expect((await get(tenant.api, made.body.id)).body).to.include({ role: 'admin', membership: 'offered' });
    expectProblem(await tenant.api('PUT', at('default'), { body: { role: 'viewer' } }), 404, 'not-found');
    expectProblem(await tenant.api('PUT', at(randomUUID()), { body: { role: 'viewer' } }), 404, 'not-found');
    expectProblem(await api('PUT', at(randomUUID()), { body: { role: 'viewer' } }), 404, 'not-found');
    const stranger = `/v1/users/${randomUUID()}/roles/${tenant.id}`;
    for (const each of [tenant.api, api])
      expectProblem(await each('PUT', stranger, { body: { role: 'viewer' } }), 404, 'not-found');
    expectProblem(await api('PUT', at('platform'), { body: { role: 'admin' } }), 422, 'invalid-request', '/role');
    expectProblem(
      await api('PUT', at('default'), { body: { role: 'platform-admin' } }),
      422,
      'invalid-request',
      '/role',
    );
    expect((await api('PUT', at('platform'), { body: { role: 'platform-admin' } })).status).to.equal(200);
    // Without an account it is an invitation.
    const body = { role: 'viewer' };
    expect((await api('PUT', at('default'), { body })).body).to.deep.include({ id: 'default', role: 'viewer' });
    expect((await get(api, made.body.id)).body).to.include({ role: 'viewer', membership: 'offered' });
  });

  it('is taken out of one tenant and stays in the others', async () => {
    const { newTenant } = flow();
    const [one, two] = [await newTenant('Leaving'), await newTenant('Staying')];
    const email = someone();
    const made = await invite(one.api, { email });
    await invite(two.api, { email });
    const at = `/v1/users/${made.body.id}/roles/${one.id}`;
    expectProblem(await two.api('DELETE', at), 404, 'not-found');
    expectProblem(await one.api('DELETE', `${at}?keys=maybe`), 422, 'invalid-request', '/keys');
    const taken = await one.api('DELETE', at);
    expect(taken.status).to.equal(200);
    expect(taken.body).to.deep.equal({ id: made.body.id, object: 'user', removed: true, apiKeys: [] });
    expect((await one.api('DELETE', at)).status).to.equal(200);
    expectProblem(await get(one.api, made.body.id), 404, 'not-found');
    expect((await list(one.api, '', taken)).body.data).to.deep.equal([]);
    expect((await get(two.api, made.body.id)).status).to.equal(200);
    expectProblem(await one.api('DELETE', `/v1/users/${randomUUID()}/roles/${one.id}`), 404, 'not-found');
  });
});

describeFlow(
  'what is personal of who is invited',
  (flow) => {
    it('stands in no file and no log line as it is, but in the mail to them', async () => {
      const { api, dataDir } = flow();
      const [email, name] = ['unmistakable.person@example.com', 'Unmistakable Person'];
      const made = await invite(api, { email, name });
      expect(made.status).to.equal(201);
      expect((await list(api, '', made)).body.data[0]).to.include({ email, name });
      const stored = storedBytes(dataDir, ['outbox/']);
      for (const text of [email, 'unmistakable.person', name]) expect(stored.includes(text), text).to.equal(false);
    });
  },
  { env: { LOG_DIR: './logs', LOG_LEVEL: 'debug' }, looksIntoFiles: true },
);
