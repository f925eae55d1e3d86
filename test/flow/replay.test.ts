// What was: one thing and a whole tenant, at a moment and between two, over HTTP.

import { expect } from 'chai';
import type { Api, ApiAnswer } from '../support/api-client.ts';
import { applyChanges } from '../support/apply-changes.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { joinTenant } from '../support/people.ts';
import type { Change } from '../../query-api/replay/changes.ts';
import { describeFlow } from './with-defter.ts';

interface Moment {
  readonly position: string;
  readonly time: string | null;
}

interface Entity {
  readonly kind: string;
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly state: Readonly<Record<string, unknown>>;
}

interface AsOf {
  readonly moment: Moment;
  readonly tenant: Readonly<Record<string, unknown>> | null;
  readonly entities: readonly Entity[];
  readonly people: readonly { readonly id: string; readonly name: string; readonly email: string }[];
  readonly sessions: readonly { readonly userId: string }[];
  readonly next: string | null;
}

interface StreamThen {
  readonly stream: string;
  readonly kind: string;
  readonly revision: number;
  readonly moment: Moment;
  readonly state: unknown;
  readonly data: readonly { readonly type: string; readonly revision: number; readonly changes?: readonly Change[] }[];
  readonly next: string | null;
}

interface DiffThen {
  readonly entities: readonly { readonly stream: string; readonly op: string }[];
}

interface HistoryThen {
  readonly from: Moment;
  readonly first: Pick<AsOf, 'tenant' | 'entities'>;
  readonly steps: readonly {
    readonly event: { readonly type: string; readonly stream: string; readonly position: string };
    readonly isThere: boolean;
    readonly state: unknown;
    readonly changes: readonly Change[];
  }[];
  readonly truncated: boolean;
  readonly next: string | null;
}

const MODEL = { runtime: 'tensorflow', source: 'language-id' };

/** Fails unless it went well; answers the consistency token. */
function done(answer: ApiAnswer<unknown>): string {
  expect(answer.status, JSON.stringify(answer.body)).to.be.below(300);
  return answer.headers.get('x-consistency-token') ?? '';
}

const carrying = (token: string) => (token === '' ? {} : { headers: { 'x-consistency-token': token } });

const byStream = (entities: readonly Entity[]) => new Map(entities.map(({ stream, state }) => [stream, state]));

describeFlow('replay', (flow) => {
  let id: string;
  let api: Api;
  let last: string;
  let member: Awaited<ReturnType<typeof joinTenant>>;
  let credentialId: string;
  let keyId: string;
  /** Moments between what was done. */
  const marks: string[] = [];

  const read = async <Body>(path: string, token = last, reader = api) => {
    const answer = await reader<Body>('GET', path, carrying(token));
    expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).to.equal(200);
    return answer.body;
  };
  const asOf = (query = '') => read<AsOf>(`/v1/tenants/${id}/as-of${query}`);
  const mark = async () => void marks.push((await asOf()).moment.position);
  const stream = () => `model-${id}-writer`;

  before(async function () {
    this.timeout(60_000);
    ({ id, api } = await flow().newTenant('Replayed'));
    member = await joinTenant(flow(), api, 'viewer');
    last = done(await api('PUT', '/v1/models/writer', { body: MODEL }));
    await mark();
    last = done(await api('PUT', '/v1/models/writer/defaults', { body: { top: 2 } }));
    const credential = { name: 'upstream', kind: 'openai', value: 'a-value-that-nobody-sees' };
    const stored = await api<{ id: string }>('POST', '/v1/credentials', { body: credential });
    last = done(stored);
    credentialId = stored.body.id;
    await mark();
    const key = await api<{ id: string; key: string }>('POST', '/v1/api-keys', { body: { name: 'robot' } });
    last = done(key);
    keyId = key.body.id;
    last = done(await api('PATCH', `/v1/tenants/${id}`, { body: { name: 'Replayed later' } }));
    last = done(await api('PUT', '/v1/models/writer/defaults', { body: { top: 3 } }));
    await mark();
    last = done(await api('DELETE', `/v1/api-keys/${keyId}`));
    last = done(await api('DELETE', `/v1/credentials/${credentialId}`));
    last = done(await api('PUT', `/v1/users/${member.id}/roles/${id}`, { body: { role: 'admin' } }));
  });

  describe('a tenant as of a moment', () => {
    it('is what its lists say now, to who carries a token', async () => {
      const { tenant, entities, people, sessions, next, moment } = await asOf();
      expect(tenant).to.include({ status: 'active', name: 'Replayed later' });
      expect(next).to.equal(null);
      expect(moment.time).to.match(/Z$/);
      const kinds = entities.map(({ kind }) => kind);
      expect(kinds).to.deep.equal(kinds.toSorted());
      const models = byStream(entities).get(stream()) as { status: string; model: { defaults: object } };
      expect(models.model.defaults).to.deep.equal({ top: '3' });
      const keys = await read<{ data: { id: string }[] }>('/v1/api-keys?limit=100');
      expect(entities.filter(({ kind }) => kind === 'apikey').map((one) => one.id)).to.have.members(
        keys.data.map((key) => key.id),
      );
      expect(entities.filter(({ kind }) => kind === 'credential')).to.deep.equal([]);
      expect(people).to.deep.include({
        id: member.id,
        name: 'Ada',
        email: member.email,
        language: 'en',
        status: 'active',
      });
      expect(sessions.map(({ userId }) => userId)).to.include(member.id);
    });

    it('has what there was then, as it was', async () => {
      const then = await asOf(`?at=${marks[1]}`);
      expect(then.moment.position).to.equal(marks[1]);
      expect(then.tenant).to.include({ name: 'Replayed' });
      const states = byStream(then.entities);
      expect((states.get(stream()) as { model: { defaults: object } }).model.defaults).to.deep.equal({ top: '2' });
      expect(states.get(`credential-${credentialId}`)).to.deep.include({ status: 'stored' });
      expect([...states.keys()]).not.to.include(`apikey-${keyId}`);
      expect(states.get(`member-${id}-${member.id}`)).to.have.nested.property('member.role', 'viewer');
      expect(byStream((await asOf(`?at=p${marks[2]}`)).entities).get(`apikey-${keyId}`)).to.deep.include({
        status: 'active',
      });
    });

    it('shows no secret', async () => {
      const text = JSON.stringify(await asOf());
      expect(text).to.include('"hash":"[secret]"');
      expect(text).not.to.match(/[0-9a-f]{64}/);
      expect(text).not.to.include('argon2');
    });

    it('takes a time for the last event recorded by then', async () => {
      const at = await asOf(`?at=${marks[1]}`);
      const byTime = await asOf(`?at=${at.moment.time}`);
      expect(Number(byTime.moment.position)).to.be.at.least(Number(marks[1]));
      expect(byTime.moment.time).to.equal(at.moment.time);
    });

    it('is nothing before it was born', async () => {
      for (const at of ['0', '1970-01-01T00:00:00Z']) {
        const then = await asOf(`?at=${at}`);
        expect(then).to.deep.include({ tenant: null, entities: [], people: [], sessions: [] });
        expect(then.moment).to.deep.equal({ position: '0', time: null });
      }
    });

    it('differs from another by what was done between them', async () => {
      const { entities } = await read<{
        entities: { stream: string; op: string; changes: Change[] }[];
      }>(`/v1/tenants/${id}/diff?from=${marks[1]}`);
      const of = (name: string) => entities.find((one) => one.stream === name);
      expect(of(`tenant-${id}`)?.changes).to.deep.equal([
        { path: '/name', op: 'changed', from: 'Replayed', to: 'Replayed later' },
      ]);
      expect(of(stream())?.changes).to.deep.equal([{ path: '/model/defaults/top', op: 'changed', from: '2', to: '3' }]);
      expect(of(`credential-${credentialId}`)).to.include({ op: 'removed' });
      // It came and went.
      expect(of(`apikey-${keyId}`)).to.equal(undefined);
      const [before, after] = [byStream((await asOf(`?at=${marks[1]}`)).entities), byStream((await asOf()).entities)];
      for (const { stream: name, changes } of entities)
        if (!name.startsWith('tenant-'))
          expect(applyChanges(before.get(name) ?? null, changes), name).to.deep.equal(after.get(name) ?? null);
    });
  });

  describe('the history of a tenant', () => {
    it('is its first state and the steps from there to the last', async () => {
      const history = await read<HistoryThen>(`/v1/tenants/${id}/history?from=${marks[0]}`);
      expect(history.from.position).to.equal(marks[0]);
      expect(history.steps.map(({ event }) => event.type)).to.deep.equal([
        'ModelDefaultsSet',
        'CredentialStored',
        'ApiKeyIssued',
        'TenantRenamed',
        'ModelDefaultsSet',
        'ApiKeyRevoked',
        'CredentialDeleted',
        'MembershipRoleChanged',
      ]);
      expect(history).to.include({ truncated: false, next: null });
      const states = byStream(history.first.entities);
      for (const { event, state, isThere, changes } of history.steps) {
        if (event.stream.startsWith('tenant-')) continue;
        const before = states.get(event.stream) ?? null;
        if (before) expect(applyChanges(before, changes), event.type).to.deep.equal(state);
        if (isThere) states.set(event.stream, state as Entity['state']);
        else states.delete(event.stream);
      }
      expect(states).to.deep.equal(byStream((await asOf()).entities));
    });

    it('says the same of each thing where only some steps are asked for', async () => {
      const all = await read<HistoryThen>(`/v1/tenants/${id}/history?from=${marks[0]}`);
      const some = await read<HistoryThen>(`/v1/tenants/${id}/history?from=${marks[0]}&type=ModelDefaultsSet`);
      expect(some.steps).to.deep.equal(all.steps.filter(({ event }) => event.type === 'ModelDefaultsSet'));
      const none = await read<HistoryThen>(`/v1/tenants/${id}/history?from=${marks[0]}&type=InferenceRequested`);
      expect(none).to.deep.include({ steps: [], truncated: false, next: null });
    });

    it('knows no steps of a type that there is not, and says which was meant', async () => {
      const answer = await api('GET', `/v1/tenants/${id}/history?from=0&type=ModelRegistered&type=ModelDefaultSet`);
      const { errors } = expectProblem(answer, 422, 'invalid-request', '/type/1');
      expect(JSON.stringify(errors)).to.include('ModelDefaultsSet');
    });

    it('is an empty window where both ends are one', async () => {
      const path = `/v1/tenants/${id}/history?from=${marks[0]}&to=${marks[0]}`;
      expect(await read<HistoryThen>(path)).to.deep.include({ steps: [], truncated: false, next: null });
    });

    it('says where to go on beyond 500 steps', async function () {
      this.timeout(240_000);
      const { id: long, api: itsOwn } = await flow().newTenant('Long');
      const change = async (_: unknown, model: number) => {
        const path = `/v1/models/long${model}`;
        done(await itsOwn('PUT', path, { body: MODEL }));
        let token = '';
        // Each is another than the one before: the same would change nothing.
        for (let n = 0; n < 50; n++)
          token = done(await itsOwn('PUT', `${path}/defaults`, { body: { top: 1 + (n % 3) } }));
        return token;
      };
      const token = (await Promise.all(Array.from({ length: 10 }, change))).join(',');
      const path = `/v1/tenants/${long}/history`;
      const first = await read<HistoryThen>(`${path}?from=0`, token, itsOwn);
      expect(first.steps).to.have.length(500);
      expect(first).to.include({ truncated: true, next: first.steps.at(-1)?.event.position });
      const rest = await read<HistoryThen>(`${path}?from=${first.next}`, token, itsOwn);
      expect(rest).to.include({ truncated: false, next: null });
      const positions = [...first.steps, ...rest.steps].map(({ event }) => Number(event.position));
      expect(positions).to.deep.equal([...new Set(positions)].toSorted((one, other) => one - other));
      // The models, the tenant and its key.
      expect(positions.length).to.be.at.least(10 * 51 + 2);
      const states = byStream(rest.first.entities);
      for (let model = 0; model < 10; model++) {
        const name = `model-${long}-long${model}`;
        expect(states.get(name)).to.deep.equal(first.steps.findLast(({ event }) => event.stream === name)?.state);
      }
    });
  });

  describe('a stream', () => {
    it('tells its events up to a moment, what each changed, and what they add up to', async () => {
      const now = await read<StreamThen>(`/v1/streams/${stream()}?include=states`);
      expect(now).to.deep.include({ stream: stream(), kind: 'model', revision: 2, next: null });
      expect(now.data.map(({ type }) => type)).to.deep.equal([
        'ModelRegistered',
        'ModelDefaultsSet',
        'ModelDefaultsSet',
      ]);
      expect(now.data[2]?.changes).to.deep.equal([{ path: '/model/defaults/top', op: 'changed', from: '2', to: '3' }]);
      let state: unknown = null;
      for (const { changes = [] } of now.data) state = applyChanges(state, changes);
      expect(state).to.deep.equal(now.state);
      const then = await read<StreamThen>(`/v1/streams/${stream()}?at=${marks[1]}`);
      expect(then).to.deep.include({ revision: 1, next: null });
      expect(then.state).to.have.nested.property('model.defaults.top', '2');
      expect(then.data[0]).not.to.have.property('changes');
      const before = await read<StreamThen>(`/v1/streams/${stream()}?at=0`);
      expect(before).to.deep.include({ revision: -1, state: null, data: [], next: null });
    });

    it('comes in pages, from either end', async () => {
      for (const order of ['asc', 'desc'] as const) {
        const revisions: number[] = [];
        for (let after: string | null = ''; after !== null;) {
          const page: StreamThen = await read<StreamThen>(
            `/v1/streams/${stream()}?include=states&limit=2&order=${order}${after && `&after=${after}`}`,
          );
          revisions.push(...page.data.map(({ revision }) => revision));
          after = page.next;
        }
        expect(revisions).to.deep.equal(order === 'asc' ? [0, 1, 2] : [2, 1, 0]);
      }
    });

    it('is compared with itself at another moment', async () => {
      const path = `/v1/streams/${stream()}/diff`;
      const diff = await read<{ from: { revision: number }; to: { revision: number }; changes: Change[] }>(
        `${path}?from=${marks[1]}`,
      );
      expect(diff.changes).to.deep.equal([{ path: '/model/defaults/top', op: 'changed', from: '2', to: '3' }]);
      expect([diff.from.revision, diff.to.revision]).to.deep.equal([1, 2]);
      const born = await read<{ changes: Change[] }>(`${path}?from=0&to=${marks[0]}`);
      expect(born.changes.map(({ path: at, op }) => [at, op])).to.deep.equal([['', 'added']]);
    });

    it('of an inference is for who may read inferences', async () => {
      const { api: reader } = await flow().newTenant('Inference readers', ['inference:read', 'inference:write']);
      const submitted = await reader<{ id: string }>('POST', '/v1/inferences?wait=20s', {
        body: { model: 'language-id', input: 'Good morning' },
      });
      done(submitted);
      const own = `inference-${submitted.body.id}`;
      const shown = await read<StreamThen>(`/v1/streams/${own}`, '', reader);
      expect(shown).to.deep.include({ kind: 'inference', revision: 1 });
      expect(shown.state).to.have.nested.property('request.data.input', 'Good morning');
      expectProblem(await reader('GET', `/v1/streams/${stream()}`), 403, 'forbidden');
      const { api: auditor } = await flow().newTenant('Auditors', ['audit:read']);
      expectProblem(await auditor('GET', `/v1/streams/${own}`), 403, 'forbidden');
      // Whoever sees all tenants reads it only where they act, as the inference itself.
      const platform = await flow().asPlatform();
      for (const path of [
        `streams/${own}`,
        `streams/${own}?include=states`,
        `streams/${own}/diff?from=0`,
        `inferences/${submitted.body.id}`,
      ])
        expectProblem(await platform('GET', `/v1/${path}`), 404, 'not-found');
    });

    it("of another tenant is answered as one that never was, whatever it is, and the platform's own too", async () => {
      const { api: stranger } = await flow().newTenant('Strangers');
      const told = (answer: ApiAnswer) => {
        expectProblem(answer, 404, 'not-found');
        const { requestId: _, instance: __, ...rest } = answer.body;
        return JSON.stringify(rest);
      };
      const absent = told(await stranger('GET', '/v1/streams/model-none-none'));
      const names = [
        stream(),
        `tenant-${id}`,
        `user-${member.id}`,
        'projection-audit',
        'nothing',
        'nothing-1',
        'a/b c',
      ];
      for (const name of names)
        for (const path of [name, `${name}/diff?from=0`])
          expect(told(await stranger('GET', `/v1/streams/${encodeURI(path)}`)), path).to.equal(absent);
      for (const path of ['as-of', 'history?from=0', 'diff?from=0'])
        expect(told(await stranger('GET', `/v1/tenants/${id}/${path}`)), path).to.equal(absent);
      const platform = await flow().asPlatform();
      expect((await platform('GET', `/v1/streams/${stream()}`)).status).to.equal(200);
      expect((await platform('GET', `/v1/streams/user-${member.id}`)).status).to.equal(200);
      expect(told(await platform('GET', '/v1/tenants/none/as-of'))).to.equal(absent);
    });
  });

  it('is recorded as a read of the audit, each once, but not where it is of an inference', async () => {
    const { id: own, api: reader } = await flow().newTenant('Recorded');
    const routes = async (token: string) =>
      (
        await read<{ data: { data: { route: string; tenant: string } }[] }>(`/v1/audit?type=AuditRead`, token, reader)
      ).data
        .map(({ data }) => data.route)
        .filter((route) => route !== 'listAudit');
    for (const path of [
      `streams/tenant-${own}`,
      `streams/tenant-${own}/diff?from=0`,
      `tenants/${own}/as-of`,
      `tenants/${own}/diff?from=0`,
      `tenants/${own}/history?from=0`,
    ])
      await read(`/v1/${path}`, '', reader);
    const submitted = await reader<{ id: string }>('POST', '/v1/inferences', {
      body: { model: 'language-id', input: 'Good morning' },
    });
    await read(`/v1/streams/inference-${submitted.body.id}`, '', reader);
    await eventually(async () =>
      expect(await routes('')).to.have.members([
        'getStream',
        'diffStream',
        'getTenantAsOf',
        'diffTenant',
        'getTenantHistory',
      ]),
    );
    expectProblem(await reader('GET', '/v1/streams/model-none-none'), 404, 'not-found');
  });

  describe('a moment that is none', () => {
    const paths = () => [`/v1/streams/${stream()}`, `/v1/tenants/${id}/as-of`];
    const windows = () => [`/v1/streams/${stream()}/diff`, `/v1/tenants/${id}/diff`, `/v1/tenants/${id}/history`];

    for (const at of [
      'yesterday',
      '2026-08-01',
      '2026-08-01T09:30:00',
      '2026-08-01T09:30:00+03:00',
      '2026-13-01T00:00:00Z',
      '2026-08-01T24:00:00Z',
      '2026-02-29T00:00:00Z',
      '-1',
      '1.5',
      '1e3',
      'p',
      'p-1',
      '0x10',
      '99999999999999999999',
      "1' OR 1=1",
      '',
    ])
      it(`is refused: ${JSON.stringify(at)}`, async () => {
        const text = encodeURIComponent(at);
        for (const path of paths())
          expectProblem(await api('GET', `${path}?at=${text}`), 422, 'invalid-request', '/at');
        const sentence =
          'Must be a position in the log, such as 998201, or a time in UTC, such as 2026-08-01T09:30:00Z';
        for (const path of windows()) {
          const answer = await api('GET', `${path}?from=${text}`);
          const { errors } = expectProblem(answer, 422, 'invalid-request', '/from');
          expect(errors?.map(({ message }) => message)).to.deep.equal([sentence]);
        }
      });

    it('is refused beyond the end of the log, which it says, and in the future', async () => {
      const [future] = [new Date(Date.now() + 60_000).toISOString()];
      for (const path of paths()) {
        const beyond = expectProblem(await api('GET', `${path}?at=999999999999999999`), 422, 'invalid-request', '/at');
        expect(beyond.detail).to.match(/end of the log, which is at \d+/);
        expectProblem(await api('GET', `${path}?at=${future}`), 422, 'invalid-request', '/at');
      }
      for (const path of windows())
        expectProblem(await api('GET', `${path}?from=0&to=${future}`), 422, 'invalid-request', '/to');
    });

    it('is refused twice, left out where it is needed, or after the other', async () => {
      for (const path of paths()) expectProblem(await api('GET', `${path}?at=1&at=2`), 422, 'invalid-request', '/at');
      for (const path of windows()) {
        expectProblem(await api('GET', path), 422, 'invalid-request', '/from');
        const answer = await api('GET', `${path}?from=${marks[1]}&to=${marks[0]}`);
        expectProblem(answer, 422, 'invalid-request', '/from');
        expectProblem(answer, 422, 'invalid-request', '/to');
      }
    });

    it('is no page, either', async () => {
      for (const after of ['x', 'bnVsbA', Buffer.from('[1.5,"model"]').toString('base64url')])
        for (const path of [`as-of?after=${after}`, `diff?from=0&after=${after}`])
          expectProblem(await api('GET', `/v1/tenants/${id}/${path}`), 422, 'invalid-request', '/after');
      expectProblem(await api('GET', `/v1/streams/${stream()}?after=x`), 422, 'invalid-request', '/after');
    });
  });

  it('of a moment that is nearly now lacks nothing, though no token names it', async function () {
    this.timeout(60_000);
    const own = await flow().newTenant('Just now');
    for (let n = 0; n < 10; n++) {
      const { body } = await own.api<{ id: string }>('POST', '/v1/api-keys', { body: { name: `key ${n}` } });
      const made = `apikey-${body.id}`;
      const then = await read<AsOf>(`/v1/tenants/${own.id}/as-of`, '', own.api);
      expect([...byStream(then.entities).keys()]).to.include(made);
      done(await own.api('DELETE', `/v1/api-keys/${body.id}`));
      const from = then.moment.position;
      const diff = await read<DiffThen>(`/v1/tenants/${own.id}/diff?from=${from}`, '', own.api);
      expect(diff.entities.map(({ stream: of, op }) => [of, op])).to.deep.equal([[made, 'removed']]);
      const { steps } = await read<HistoryThen>(`/v1/tenants/${own.id}/history?from=${from}`, '', own.api);
      expect(steps.map(({ event }) => event.type)).to.deep.equal(['ApiKeyRevoked']);
    }
  });
});
