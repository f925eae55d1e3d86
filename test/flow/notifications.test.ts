// What people are told of without having asked, and how lists that are open hear that they have changed.

import { expect } from 'chai';
import type { ListChange, NotificationView } from '#contracts/notifications.ts';
import type { Api } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { echo, type OpenAiUpstream, openOpenAiUpstream } from '../support/openai-upstream.ts';
import { readEventStream } from '../support/read-event-stream.ts';
import { describeFlow } from './with-defter.ts';

const HOUR_MS = 3_600_000;
const WITHIN_MS = 20_000;

interface Listed {
  readonly data: readonly NotificationView[];
  readonly next: string | null;
  readonly upTo: string | null;
  readonly unread: number;
}

describeFlow(
  'notifications',
  (flow) => {
    let upstream: OpenAiUpstream;
    const closing: (() => Promise<void> | void)[] = [];
    before(async () => {
      upstream = await openOpenAiUpstream();
    });
    after(() => upstream.close());
    afterEach(async () => {
      for (let last = closing.pop(); last; last = closing.pop()) await last();
    });

    async function list(api: Api, query = '', token?: string): Promise<Listed> {
      const headers = token === undefined ? {} : { 'x-consistency-token': token };
      const { status, body } = await api<Listed>('GET', `/v1/notifications${query}`, { headers });
      expect(status, JSON.stringify(body)).to.equal(200);
      return body;
    }

    async function issue(api: Api, fields: object = {}) {
      const expiresAt = new Date(Date.now() + HOUR_MS).toISOString();
      const body = { name: 'for an hour', scopes: ['models:read'], expiresAt, ...fields };
      const {
        status,
        headers,
        body: issued,
      } = await api<{ id: string; key: string }>('POST', '/v1/api-keys', { body });
      expect(status).to.equal(201);
      return { ...issued, expiresAt, token: headers.get('x-consistency-token') ?? '' };
    }

    /** What a stream of changes has sent so far; `ended` when it does. */
    async function follow(key: string, query = '') {
      const stopping = new AbortController();
      const response = await fetch(`${flow().url}/v1/notifications/events${query}`, {
        headers: { authorization: `Bearer ${key}` },
        signal: stopping.signal,
      });
      closing.push(() => stopping.abort());
      expect(response.status).to.equal(200);
      let text = '';
      const ended = (async () => {
        try {
          for await (const part of response.body!.pipeThrough(new TextDecoderStream())) text += part;
          return 'ended';
        } catch {
          return 'cut';
        }
      })();
      const heard = () => readEventStream(text.slice(0, text.lastIndexOf('\n\n') + 2));
      await eventually(() => expect(heard()[0]).to.deep.equal({ event: 'ready', data: {} }), WITHIN_MS);
      const kinds = () =>
        heard()
          .slice(1)
          .flatMap(({ data }) => (data as { changes: ListChange[] }).changes.map(({ kind }) => kind));
      return { heard, kinds, ended, close: () => stopping.abort() };
    }

    it('tell of a key that is about to expire to who may see it, until it is rotated or revoked', async function () {
      this.timeout(60_000);
      const { api, as, newTenant } = flow();
      const tenant = await newTenant('Expiring');
      const [own, later, revoked] = [
        await issue(tenant.api),
        await issue(tenant.api, {
          expiresAt: new Date(Date.now() + 30 * 24 * HOUR_MS).toISOString(),
          name: 'for long',
        }),
        await issue(tenant.api, { name: 'revoked' }),
      ];
      expect(later.id).not.to.equal(own.id);
      const gone = await tenant.api('DELETE', `/v1/api-keys/${revoked.id}`);
      const token = gone.headers.get('x-consistency-token') ?? '';
      const told = await list(tenant.api, '', token);
      expect(told).to.deep.include({ next: null, unread: 1 });
      expect(told.data).to.have.length(1);
      const [one] = told.data;
      const { expiresAt } = own;
      expect(one).to.deep.include({ tenantId: tenant.id, kind: 'key-expiring', subject: own.id, read: false });
      expect(one).to.deep.include({ data: { name: 'for an hour', expiresAt }, resolvedAt: null });
      expect(Math.abs(Date.parse(one?.at ?? '') - Date.now())).to.be.lessThan(60_000);
      // Who may not see keys is told nothing of them, nor is anybody elsewhere.
      expect(await list(as(own.key))).to.deep.include({ data: [], unread: 0 });
      const elsewhere = await list(api);
      expect(elsewhere.data.map(({ subject }) => subject)).not.to.include(own.id);

      const rotated = await tenant.api('POST', `/v1/api-keys/${own.id}/rotate`, { body: { overlap: '10m' } });
      expect(rotated.status).to.equal(201);
      const after = await list(tenant.api, '', rotated.headers.get('x-consistency-token') ?? '');
      expect(after.data.map(({ subject }) => subject)).not.to.include(own.id);
    });

    it('are read by each for themselves, one by one or all until a moment', async function () {
      this.timeout(60_000);
      const { as, newTenant } = flow();
      const tenant = await newTenant('Reading');
      const other = as((await issue(tenant.api, { scopes: ['keys:read', 'models:read'], expiresAt: undefined })).key);
      for (const name of ['a', 'b']) await issue(tenant.api, { name });
      const { token } = await issue(tenant.api, { name: 'c' });
      const { data, upTo } = await list(tenant.api, '', token);
      expect(data).to.have.length(3);
      const [newest, , oldest] = data;
      expect(upTo).to.equal(newest?.at);

      const mark = (body?: object) => tenant.api('POST', '/v1/notifications/read', { body });
      for (let n = 0; n < 2; n++) expect((await mark({ ids: [newest?.id] })).status).to.equal(204);
      expect((await list(tenant.api)).data.map(({ read }) => read)).to.deep.equal([true, false, false]);
      expect((await mark({ upTo: oldest?.at })).status).to.equal(204);
      const left = await list(tenant.api, '?unread=true&limit=1');
      expect(left).to.deep.include({ unread: 1, next: null });
      expect(left.data.map(({ id }) => id)).to.deep.equal([data[1]?.id]);
      expect((await mark({ upTo: '2999-01-01T00:00:00Z' })).status).to.equal(204);
      expect(await list(tenant.api, '?unread=true')).to.deep.include({ data: [], upTo: null, unread: 0 });
      expect((await list(other)).unread).to.equal(3);
      // What comes later is unread, though all was read until a time to come.
      const next = await issue(tenant.api, { name: 'd' });
      expect((await list(tenant.api, '', next.token)).unread).to.equal(1);
      // What has come since a list was read stays unread when that list is marked.
      const shown = await list(tenant.api);
      const unseen = await issue(tenant.api, { name: 'e' });
      expect((await mark({ upTo: shown.upTo })).status).to.equal(204);
      const unread = await list(tenant.api, '?unread=true', unseen.token);
      expect(unread).to.deep.include({ unread: 1, upTo: unread.data[0]?.at });
      expect(unread.data.map(({ subject }) => subject)).to.deep.equal([unseen.id]);
      expect((await mark({ upTo: unread.upTo })).status).to.equal(204);
      expect((await list(tenant.api)).unread).to.equal(0);
      const pages = await list(tenant.api, '?limit=2');
      const rest = await list(tenant.api, `?limit=3&after=${pages.next}`);
      expect([...pages.data, ...rest.data].map((one) => one.kind === 'key-expiring' && one.data.name)).to.deep.equal([
        'e',
        'd',
        'c',
        'b',
        'a',
      ]);
      for (const body of [{}, { ids: [] }, { ids: [''] }, { upTo: 'yesterday' }, { ids: ['a'], all: true }])
        expectProblem(await mark(body), 422, 'invalid-request');
      expectProblem(await mark(), 400, 'body-missing');
      for (const query of ['?unread=yes', '?after=x', '?limit=0'])
        expectProblem(await tenant.api('GET', `/v1/notifications${query}`), 422, 'invalid-request');
    });

    it('tell of a model that fails time after time, and that it works again', async function () {
      this.timeout(120_000);
      const tenant = await flow().newTenant('Failing');
      const registered = await tenant.api('PUT', '/v1/models/up/stream', {
        body: { runtime: 'openai', source: upstream.url },
      });
      expect(registered.status, JSON.stringify(registered.body)).to.equal(201);
      const ask = async () => {
        const body = { model: 'up/stream', messages: [{ role: 'user', content: 'hello' }] };
        const { body: end } = await tenant.api<{ status: string }>('POST', '/v1/inferences?wait=30s', { body });
        return end.status;
      };
      upstream.answer((_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('no'));
      await eventually(async () => {
        expect(await ask()).to.equal('failed');
        const { data } = await list(tenant.api);
        expect(data).to.have.length(1);
        expect(data[0]).to.deep.include({ kind: 'model-unhealthy', subject: 'up/stream', resolvedAt: null });
      }, 90_000);
      const types = async () =>
        (await tenant.api<{ data: { type: string }[] }>('GET', '/v1/audit?kind=model')).body.data.map(
          ({ type }) => type,
        );
      expect(await types()).to.deep.equal(['ModelBecameUnhealthy', 'ModelRegistered']);
      upstream.answer(echo);
      await eventually(async () => {
        expect(await ask()).to.equal('completed');
        expect((await list(tenant.api)).data[0]?.resolvedAt).to.be.a('string');
      }, 60_000);
      expect((await types())[0]).to.equal('ModelRecovered');
    });

    it('tell open lists that they have changed, once they show it, each of what they may read', async function () {
      this.timeout(60_000);
      const { newTenant, key, url } = flow();
      const [tenant, other] = [await newTenant('Hearing'), await newTenant('Deaf')];
      const viewer = await issue(tenant.api, { scopes: ['inference:read', 'models:read'], expiresAt: undefined });
      const submitter = await issue(tenant.api, { scopes: ['inference:write'], expiresAt: undefined });
      const [admin, reads, foreign, all] = [
        await follow(tenant.key),
        await follow(viewer.key),
        await follow(other.key),
        await follow(key, '?tenant=*'),
      ];
      const { body } = await flow().as(submitter.key)<{ id: string }>('POST', '/v1/inferences', {
        body: { model: 'language-id', input: 'Hello' },
      });
      await eventually(() => expect(reads.kinds()).to.include('inference'), WITHIN_MS);
      // Without a token: the list shows what the hint is about.
      const shown = await flow().as(viewer.key)<{ data: { id: string }[] }>('GET', '/v1/inferences');
      expect(shown.body.data.map(({ id }) => id)).to.include(body.id);
      const issued = await issue(tenant.api);
      expect(issued.id).to.be.a('string');
      await eventually(() => {
        for (const one of [admin, all])
          expect(one.kinds()).to.include.members(['inference', 'audit', 'apikey', 'notification']);
      }, WITHIN_MS);
      expect(new Set(reads.kinds())).to.deep.equal(new Set(['inference']));
      // It may still hear of how it was made.
      expect(foreign.kinds()).not.to.include('inference');
      const named = await follow(key, `?tenant=${tenant.id}`);
      await issue(tenant.api);
      await eventually(() => expect(named.kinds()).to.include('apikey'), WITHIN_MS);

      for (const query of [`?tenant=${other.id}`, '?tenant=*'])
        expectProblem(await tenant.api('GET', `/v1/notifications/events${query}`), 403, 'forbidden');
      for (const query of ['?tenant=', '?tenant=a%20b', '?all=true'])
        expectProblem(await tenant.api('GET', `/v1/notifications/events${query}`), 422, 'invalid-request');
      const nobody = await fetch(`${url}/v1/notifications/events`);
      expect(nobody.status).to.equal(401);
      await nobody.body?.cancel();
    });

    it('end for who hears of changed lists with their credential', async function () {
      this.timeout(30_000);
      const tenant = await flow().newTenant('Revoking');
      const { id, key } = await issue(tenant.api);
      const { ended } = await follow(key);
      expect((await tenant.api('DELETE', `/v1/api-keys/${id}`)).status).to.equal(204);
      expect(await ended).to.equal('cut');
    });
  },
  { env: { ALLOW_PRIVATE_UPSTREAMS: 'on' } },
);
