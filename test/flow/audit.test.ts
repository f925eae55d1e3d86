// The audit over HTTP: what each event says and to whom, every way to narrow it down, and who read it.

import { expect } from 'chai';
import { z } from 'zod';
import { allRoutes } from '#contracts/all-routes.ts';
import type { AuditEventView } from '#contracts/audit.ts';
import type { Api } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { joinTenant, MANY_SIGN_IN, type Person, someEmail } from '../support/people.ts';
import { describeFlow } from './with-defter.ts';

interface Page {
  readonly data: AuditEventView[];
  readonly next: string | null;
  readonly previous: string | null;
}

const read = async (api: Api, query = '', path = '/v1/audit'): Promise<Page> => {
  const answer = await api<Page>('GET', `${path}${query}`);
  expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
  return answer.body;
};
const typesIn = ({ data }: Page) => data.map(({ type }) => type);

describeFlow(
  'the audit',
  (flow) => {
    let tenant: { id: string; api: Api; key: string };
    let admin: Person;
    let question: string;

    before(async function () {
      this.timeout(60_000);
      const { newTenant, api } = flow();
      tenant = await newTenant('Kırtasiye');
      const inTenant: Api = (method, path, options = {}) =>
        api(method, path, { ...options, headers: { ...options.headers, 'x-tenant-id': tenant.id } });
      admin = await joinTenant(flow(), inTenant, 'admin');
      const defaults = await tenant.api('PUT', '/v1/models/tiny-writer/defaults', {
        body: { temperature: 0.25 },
        headers: { 'user-agent': 'audit-test' },
      });
      expect(defaults.status).to.equal(200);
      const renamed = await inTenant('PATCH', `/v1/tenants/${tenant.id}`, { body: { name: 'Kırtasiye Çarşısı' } });
      expect(renamed.status, JSON.stringify(renamed.body)).to.equal(200);
      const asked = await tenant.api<{ id: string }>('POST', '/v1/inferences?wait=30s', {
        body: { model: 'language-id', input: 'Hangi dil bu?' },
      });
      question = asked.body.id;
      await eventually(async () => {
        const types = typesIn(await read(tenant.api, '?limit=100'));
        expect(types).to.include.members(['InferenceCompleted', 'TenantRenamed', 'ModelDefaultsSet']);
      }, 20_000);
    });

    it('says what was done with its values, by whom and from where, and no secret', async () => {
      const { data } = await read(tenant.api, '?type=ModelDefaultsSet');
      expect(data[0]).to.deep.include({
        kind: 'model',
        data: { defaults: { temperature: '0.25' } },
        tenantId: tenant.id,
      });
      expect(data[0]?.actor.kind).to.equal('api-key');
      expect(data[0]?.origin).to.deep.equal({ address: '127.0.0.1', client: 'audit-test' });
      const issued = (await read(tenant.api, '?kind=apikey')).data[0];
      expect(issued?.data).to.include({ hash: '[secret]', name: 'a key' });
      const offered = (await read(tenant.api, '?kind=member')).data.find(({ type }) => type === 'MembershipOffered');
      expect(offered?.data).to.include({ email: admin.email, name: null });
    });

    it('shows what was asked and answered only to who may read inferences', async () => {
      const asked = (api: Api) => read(api, `?stream=inference-${question}&order=asc`);
      const { data } = await asked(tenant.api);
      expect(data.map(({ type }) => type)).to.deep.equal(['InferenceRequested', 'InferenceCompleted']);
      expect(data[0]?.data).to.deep.include({ model: 'language-id', input: 'Hangi dil bu?' });
      const { body } = await admin.api<{ key: string }>('POST', '/v1/api-keys', {
        body: { name: 'auditor', scopes: ['audit:read'] },
      });
      const auditor = flow().as(body.key);
      const seen = await asked(auditor);
      expect(seen.data[0]?.data).to.include({ model: 'language-id', input: '[content]' });
      expect(seen.data[1]?.data).to.include({ output: '[content]' });
      // Whoever sees all tenants reads content only where they act.
      const { data: fromAfar } = await asked(await flow().asPlatform());
      expect(fromAfar[0]?.data).to.include({ input: '[content]' });
    });

    it('is narrowed down by kind, type, actor, stream, time and words', async () => {
      const { api } = tenant;
      const all = (await read(api, '?limit=100')).data;
      const same = async (query: string, meant: (event: AuditEventView) => boolean) => {
        const { data } = await read(api, `?limit=100&${query}`);
        const expected = all.filter(meant).map(({ id }) => id);
        // Others may have come since.
        expect(
          data.map(({ id }) => id).filter((id) => all.some((one) => one.id === id)),
          query,
        ).to.deep.equal(expected);
        expect(expected.length, query).to.be.above(0);
      };
      await same('kind=model', ({ kind }) => kind === 'model');
      await same('kind=model&kind=member', ({ kind }) => kind === 'model' || kind === 'member');
      await same('type=TenantRenamed', ({ type }) => type === 'TenantRenamed');
      await same('kind=tenant&type=TenantRenamed', ({ type }) => type === 'TenantRenamed');
      await same(`actor=${admin.id}`, ({ actor }) => actor.id === admin.id);
      await same(`actor=${admin.id}&actorKind=user`, ({ actor }) => actor.id === admin.id && actor.kind === 'user');
      await same(`stream=tenant-${tenant.id}`, ({ stream }) => stream === `tenant-${tenant.id}`);
      await same(`stream=tenant-${tenant.id}&q=carsisi`, ({ type }) => type === 'TenantRenamed');
      const middle = all[Math.floor(all.length / 2)]?.recordedAt ?? '';
      await same(`from=${middle}`, ({ recordedAt }) => recordedAt >= middle);
      await same(`to=${middle}`, ({ recordedAt }) => recordedAt < middle);
      await same('q=kirtasiye', ({ type }) => type === 'TenantCreated' || type === 'TenantRenamed');
      const { searched } = (await api<{ searched: object }>('GET', '/v1/audit?q=Kırtasiye%20çar*')).body;
      expect(searched).to.deep.equal({
        words: ['kirtasiye', 'car*'],
        differentWords: 10_000,
        inferences: false,
        reads: false,
      });
      expect(await read(api, '?limit=1')).to.not.have.property('searched');
      await same('q=temper*', ({ type }) => type === 'ModelDefaultsSet');
      await same(`q=${encodeURIComponent(admin.email)}`, ({ type }) => type === 'MembershipOffered');
      expect((await read(api, '?q=hangi')).data).to.deep.equal([]);
      expect((await read(api, '?kind=model&type=TenantRenamed')).data).to.deep.equal([]);
    });

    it('is walked both ways, page by page', async () => {
      for (const query of ['limit=3&to=', `limit=3&stream=tenant-${tenant.id}&to=`])
        for (const order of ['asc', 'desc']) {
          const asked = `?${query}${new Date().toISOString()}&order=${order}`;
          const there: string[] = [];
          let page = await read(tenant.api, asked);
          const first = page;
          there.push(...page.data.map(({ id }) => id));
          while (page.next !== null) {
            page = await read(tenant.api, `${asked}&after=${encodeURIComponent(page.next)}`);
            there.push(...page.data.map(({ id }) => id));
          }
          expect(new Set(there).size).to.equal(there.length);
          let back = page.data.map(({ id }) => id);
          while (page.previous !== null && page.data.length > 0) {
            page = await read(tenant.api, `${asked}&before=${encodeURIComponent(page.previous)}`);
            back = [...page.data.map(({ id }) => id), ...back];
          }
          expect(back, asked).to.deep.equal(there);
          // Nothing is before the first, and that is asked again in the same way.
          expect(page.previous).to.equal(first.previous);
        }
    });

    it('records who reads it, with what they asked for, and shows them when asked', async () => {
      const mark = `mark-${Date.now()}`;
      const answer = await admin.api('GET', `/v1/audit?q=${mark}&from=2026-01-01T00:00:00Z`);
      expect(answer.status).to.equal(200);
      const correlationId = answer.headers.get('x-request-id');
      await eventually(async () => {
        const { data } = await read(tenant.api, '?type=AuditRead&limit=100');
        const own = data.find((one) => one.correlationId === correlationId);
        expect(own).to.include({ kind: 'access', tenantId: tenant.id });
        expect(own?.actor).to.deep.equal({ kind: 'user', id: admin.id });
        expect(own?.data).to.deep.include({ route: 'listAudit', tenant: tenant.id });
        expect(own?.data['query']).to.include({ q: mark, from: '2026-01-01T00:00:00.000Z' });
      }, 20_000);
      expect(typesIn(await read(tenant.api, '?limit=100'))).to.not.include('AuditRead');
      expect(typesIn(await read(tenant.api, '?limit=100&reads=true'))).to.include('AuditRead');
      // Who looks for someone leaves no word of it to be found.
      expect((await read(tenant.api, `?q=${mark}&reads=true`)).data).to.deep.equal([]);
      const stream = `access-${tenant.id}-${new Date().toISOString().slice(0, 10)}`;
      expect(typesIn(await read(tenant.api, `?stream=${stream}`))).to.deep.equal([]);
      expect(typesIn(await read(tenant.api, `?stream=${stream}&reads=true`))).to.include('AuditRead');
    });

    it('records each route that needs the permission to read it', async () => {
      const { id, api } = await flow().newTenant('All of it');
      const reader = await joinTenant(flow(), api, 'admin');
      // Who they are is listed of their standing.
      await eventually(async () => {
        expect((await reader.api('GET', `/v1/users/${reader.id}/activity`)).status).to.equal(200);
      }, 20_000);
      const routes = allRoutes.filter(({ permission }) => permission === 'audit:read');
      expect(routes.length).to.be.above(6);
      for (const route of routes) {
        const path = route.path.replace('{id}', route.tenantFrom ? id : reader.id);
        const needs =
          route.query instanceof z.ZodObject && route.query.shape['from']?.safeParse(undefined).success === false;
        const answer = await fetch(`${flow().url}${path}${needs ? '?from=0' : ''}`, {
          headers: { authorization: `Bearer ${reader.session.accessToken}` },
        });
        expect(answer.status, `${path}: ${await answer.text()}`).to.equal(200);
        const correlationId = answer.headers.get('x-request-id');
        await eventually(async () => {
          const { data } = await read(api, '?type=AuditRead&limit=100');
          const own = data.filter((one) => one.correlationId === correlationId);
          expect(own.map((one) => one.data['route'])).to.deep.equal([route.id]);
        }, 20_000);
      }
    });

    it('shows what a person did, to their tenant and to themselves', async () => {
      const done = await admin.api<{ id: string }>('POST', '/v1/api-keys', {
        body: { name: 'mine', scopes: ['models:read'] },
      });
      const token = { 'x-consistency-token': done.headers.get('x-consistency-token') ?? '' };
      const mine = await admin.api<Page>('GET', '/v1/me/activity', { headers: token });
      expect(mine.status).to.equal(200);
      expect(mine.body.data[0]).to.deep.include({ type: 'ApiKeyIssued', stream: `apikey-${done.body.id}` });
      expect(new Set(mine.body.data.map(({ actor }) => `${actor.kind}:${actor.id}`))).to.deep.equal(
        new Set([`user:${admin.id}`]),
      );
      expect(typesIn(mine.body)).to.include.members(['SessionStarted', 'UserRegistered']);
      const theirs = await read(tenant.api, '', `/v1/users/${admin.id}/activity`);
      expect(theirs.data[0]).to.deep.include({ type: 'ApiKeyIssued', stream: `apikey-${done.body.id}` });
      expect(typesIn(theirs)).to.not.include('SessionStarted');
      const byKey = await read(tenant.api, '', '/v1/me/activity');
      expect(byKey.data.every(({ actor }) => actor.kind === 'api-key')).to.equal(true);
      expect(typesIn(byKey)).to.include('ModelDefaultsSet').and.not.include('AuditRead');
      const other = await flow().newTenant('Elsewhere');
      expectProblem(await other.api('GET', `/v1/users/${admin.id}/activity`), 404, 'not-found');
      expectProblem(await tenant.api('GET', '/v1/users/nobody/activity'), 404, 'not-found');
      const viewer = await joinTenant(flow(), tenant.api, 'viewer');
      expectProblem(await viewer.api('GET', `/v1/users/${admin.id}/activity`), 403, 'forbidden');
      await eventually(
        async () => expect(typesIn(await read(viewer.api, '', '/v1/me/activity'))).to.include('MembershipAccepted'),
        20_000,
      );
    });

    it('tells who invites an address nothing of whether it is known elsewhere', async () => {
      const other = await flow().newTenant('Who knows it');
      const { email: known } = await joinTenant(flow(), other.api, 'viewer');
      const inviter = await joinTenant(flow(), tenant.api, 'admin');
      const after = async (email: string) => {
        const then = await tenant.api<{ moment: { position: string } }>('GET', `/v1/tenants/${tenant.id}/as-of`);
        const { position: before } = then.body.moment;
        const done = await inviter.api('POST', '/v1/users', { body: { email, role: 'viewer' } });
        expect(done.status, JSON.stringify(done.body)).to.equal(201);
        const headers = { 'x-consistency-token': done.headers.get('x-consistency-token') ?? '' };
        const { body } = await inviter.api<Page>('GET', '/v1/me/activity?limit=100', { headers });
        return typesIn({ ...body, data: body.data.filter(({ position }) => BigInt(position) > BigInt(before)) });
      };
      expect(await after(known)).to.deep.equal(['MembershipOffered']);
      expect(await after(someEmail())).to.deep.equal(['MembershipOffered']);
      for (const kind of ['user', 'login']) {
        const { data } = await read(inviter.api, `?kind=${kind}&limit=100`, '/v1/me/activity');
        expect(new Set(data.map(({ stream }) => stream)), kind).to.deep.equal(
          new Set(kind === 'user' ? [`user-${inviter.id}`] : []),
        );
      }
    });

    it('counts what happened by kind, in buckets of one width', async () => {
      const count = async (query: string) =>
        (
          await tenant.api<{
            from: string;
            to: string;
            bucketMs: number;
            buckets: { start: string; counts: Record<string, number>; total: number }[];
          }>('GET', `/v1/audit/histogram${query}`)
        ).body;
      const to = new Date().toISOString();
      const from = new Date(Date.now() - 3_600_000).toISOString();
      const counted = async (kind?: string) => {
        const { buckets, ...range } = await count(`?from=${from}&to=${to}&buckets=400`);
        expect(range).to.include({ from, to, bucketMs: 10_000 });
        expect(buckets).to.have.length.within(360, 361);
        return buckets.reduce((sum, { counts, total }) => sum + (kind === undefined ? total : (counts[kind] ?? 0)), 0);
      };
      // What came a moment ago may be on one of the two and not yet on the other.
      await eventually(async () => {
        const { data } = await read(tenant.api, `?limit=100&from=${from}&to=${to}`);
        for (const kind of ['model', 'member', 'tenant', 'inference', 'apikey'])
          expect(await counted(kind), kind).to.equal(data.filter((event) => event.kind === kind).length);
        expect(await counted('access')).to.equal(0);
        expect(await counted()).to.equal(data.length);
      }, 20_000);
      const models = await count(`?from=${from}&to=${to}&buckets=1&kind=model`);
      expect(models.buckets.map(({ counts }) => counts)).to.deep.equal([{ model: await counted('model') }]);
      const reads = await count(`?from=${from}&to=${to}&buckets=1&reads=true`);
      expect(reads.buckets[0]?.counts['access']).to.be.above(0);
      expect((await count('?from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z&buckets=3')).buckets.length).to.be.within(
        1,
        3,
      );
      expect((await count(`?from=${to}&to=${to}`)).buckets).to.deep.equal([]);
      const refused = async (query: string, pointer: string) =>
        expectProblem(await tenant.api('GET', `/v1/audit/histogram?${query}`), 422, 'invalid-request', pointer);
      for (const buckets of ['0', '401', '1e2', '-1', '']) await refused(`buckets=${buckets}`, '/buckets');
      await refused(`from=${to}&to=${from}`, '/to');
      await refused('from=12:00', '/from');
      await refused('kind=x', '/kind');
    });

    it('has to its end, oldest first and exported, what was done just before, though no token names it', async () => {
      const own = await flow().newTenant('Just before');
      for (let n = 0; n < 10; n++) {
        const { body } = await own.api<{ id: string }>('POST', '/v1/api-keys', { body: { name: `key ${n}` } });
        const path = `/v1/audit?type=ApiKeyIssued&order=asc`;
        const listed = await own.api<{ data: { stream: string }[] }>('GET', path);
        expect(listed.body.data.at(-1)?.stream).to.equal(`apikey-${body.id}`);
        const name = `Renamed ${n}`;
        await own.api('PATCH', `/v1/tenants/${own.id}`, { body: { name } });
        const exported = await fetch(`${flow().url}/v1/audit/export?type=TenantRenamed`, {
          headers: { authorization: `Bearer ${own.key}` },
        });
        expect((await exported.text()).trimEnd().split('\n').at(-1)).to.include(name);
      }
    });

    it('is exported whole, the oldest first, as lines and as a table', async () => {
      const exported = async (query: string) => {
        const answer = await fetch(`${flow().url}/v1/audit/export${query}`, {
          headers: { authorization: `Bearer ${tenant.key}` },
        });
        expect(answer.status).to.equal(200);
        return { type: answer.headers.get('content-type'), text: await answer.text() };
      };
      const to = new Date().toISOString();
      // What came a moment ago may be on one of them and not yet on another.
      await eventually(async () => {
        const expected = (await read(tenant.api, `?limit=100&order=asc&to=${to}`)).data;
        const lines = await exported(`?to=${to}`);
        expect(lines.type).to.match(/^application\/x-ndjson/);
        const events = lines.text.trimEnd().split('\n');
        expect(events.map((line) => JSON.parse(line) as AuditEventView)).to.deep.equal(expected);
        const table = await exported(`?to=${to}&format=csv`);
        expect(table.type).to.match(/^text\/csv/);
        expect(table.text.trimEnd().split('\r\n')).to.have.length(expected.length + 1);
      }, 20_000);
      const few = await exported(`?type=TenantRenamed&q=carsisi`);
      expect(few.text.trimEnd().split('\n')).to.have.length(1);
      expectProblem(await tenant.api('GET', '/v1/audit/export?format=xml'), 422, 'invalid-request', '/format');
      expectProblem(await tenant.api('GET', '/v1/audit/export?q=*'), 422, 'invalid-request', '/q');
      await eventually(async () => {
        const { data } = await read(tenant.api, '?type=AuditRead&limit=100');
        expect(data.map((one) => one.data['route'])).to.include.members([
          'exportAudit',
          'countAudit',
          'listUserActivity',
        ]);
      }, 20_000);
    });

    it('is of nobody else: another tenant’s stream is as one that there is not', async () => {
      const other = await flow().newTenant('The others');
      for (const stream of [
        `tenant-${tenant.id}`,
        `inference-${question}`,
        'tenant-unheard-of',
        'no stream',
        '%F0%9F%98%80',
      ])
        expect(await read(other.api, `?stream=${stream}`), stream).to.deep.equal({
          object: 'list',
          data: [],
          next: null,
          previous: null,
        });
      expect((await read(other.api, '?q=kirtasiye')).data).to.deep.equal([]);
      expect((await read(other.api, '?limit=100')).data.every(({ tenantId }) => tenantId === other.id)).to.equal(true);
    });

    it('refuses what cannot be meant', async () => {
      const refused = async (query: string, pointer: string) =>
        expectProblem(await tenant.api('GET', `/v1/audit?${query}`), 422, 'invalid-request', pointer);
      const page = await read(tenant.api, '?limit=1');
      const inStream = await read(tenant.api, `?limit=1&stream=tenant-${tenant.id}`);
      await refused('type=TenantCreate', '/type');
      await refused('kind=tenants', '/kind');
      await refused('kind=model&kind=x', '/kind/1');
      await refused('actorKind=user', '/actorKind');
      await refused('actor=a&actorKind=admin', '/actorKind');
      await refused('q=*', '/q');
      await refused('q=%27%3B--', '/q');
      await refused('q=', '/q');
      await refused('from=yesterday', '/from');
      await refused('from=2026-08-01T09:30:00', '/from');
      await refused('from=2026-08-01T09:30:00%2B03:00', '/from');
      await refused('from=2026-08-02T00:00:00Z&to=2026-08-01T00:00:00Z', '/to');
      await refused('reads=maybe', '/reads');
      await refused('order=newest', '/order');
      await refused('before=x', '/before');
      await refused(`after=${page.next}&before=${page.next}`, '/before');
      await refused(`after=${page.next}&stream=tenant-${tenant.id}`, '/after');
      await refused(`after=${inStream.next}`, '/after');
      for (const syntax of [
        "'; DROP TABLE audit; --",
        'type:* OR _exists_:words',
        '"a" NEAR(b, 2) words:c ^d -e',
        '{"match_all":{}}',
      ])
        expect((await read(tenant.api, `?q=${encodeURIComponent(syntax)}`)).data, syntax).to.deep.equal([]);
    });
  },
  { env: MANY_SIGN_IN },
);
