import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { createApi, type Api, type ApiAnswer } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { logHead } from '../support/log-head.ts';
import { describeFlow } from './with-defter.ts';

const LIMIT = 2 * 1024 * 1024;
const text = { model: 'language-id', input: 'Guten Morgen' };
const NOWHERE = '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f';

/** Sends bytes in chunks, without saying how many; answers what comes back. */
function sendChunked(url: string, key: string, bytes: number): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const request = httpRequest(`${url}/v1/inferences`, { method: 'POST', headers }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (part: string) => (answer += part));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: new Headers({ 'content-type': response.headers['content-type'] ?? '' }),
          body: JSON.parse(answer) as Record<string, unknown>,
        }),
      );
    });
    // The server may cut the sender off once it has answered.
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error);
    });
    request.write('"');
    for (let sent = 0; sent < bytes; sent += 65_536) request.write('x'.repeat(65_536));
    request.end('"');
  });
}

describeFlow('what cannot be right', (flow) => {
  let headBefore: number;
  let others: { api: Api; key: string; inference: string; keyId: string; credential: string };

  before(async () => {
    const { newTenant, as } = flow();
    const other = await newTenant('the others');
    const inference = (await other.api<{ id: string }>('POST', '/v1/inferences', { body: text })).body.id;
    await other.api('GET', `/v1/inferences/${inference}?wait=30s`);
    const issued = await other.api<{ id: string }>('POST', '/v1/api-keys', { body: { name: 'theirs' } });
    const stored = await other.api<{ id: string }>('POST', '/v1/credentials', {
      body: { name: 'theirs', kind: 'openai', value: 'sk-theirs-0123456789' },
    });
    await other.api('PUT', '/v1/models/theirs', {
      body: { runtime: 'openai', source: 'https://upstream.example/v1', credentialId: stored.body.id },
    });
    others = { api: as(other.key), key: other.key, inference, keyId: issued.body.id, credential: stored.body.id };
  });
  beforeEach(() => (headBefore = logHead(flow().dataDir)));
  afterEach('nothing was appended, and the server is well', async () => {
    expect(logHead(flow().dataDir)).to.equal(headBefore);
    await eventually(async () => expect((await fetch(`${flow().url}/readyz`)).status).to.equal(200));
  });

  const submit = (body: unknown, headers: Record<string, string> = {}) =>
    flow().api('POST', '/v1/inferences', { body, headers });

  const misspelt: [method: string, path: string, body: object | undefined, pointer: string, meant: string][] = [
    ['POST', '/v1/inferences', { ...text, modle: 'm' }, '/modle', 'model'],
    ['POST', '/v1/inferences', { ...text, paramters: {} }, '/paramters', 'parameters'],
    ['POST', '/v1/inferences?wiat=5s', text, '/wiat', 'wait'],
    ['GET', '/v1/inferences?limt=5', undefined, '/limt', 'limit'],
    ['GET', '/v1/audit?Actor=a', undefined, '/Actor', 'actor'],
    ['POST', '/v1/api-keys', { name: 'a', expires_at: '2099-01-01T00:00:00Z' }, '/expires_at', 'expiresAt'],
    [
      'PUT',
      '/v1/models/m',
      { runtime: 'openai', source: 'https://a.example/v1', upsteamModel: 'a' },
      '/upsteamModel',
      'upstreamModel',
    ],
  ];
  for (const [method, path, body, pointer, meant] of misspelt)
    it(`by a letter or two is refused with what was meant: ${method} ${path} ${pointer}`, async () => {
      const refused = await flow().api(method, path, { body });
      const problem = expectProblem(refused, 422, 'invalid-request', pointer);
      expect(problem.errors?.map(({ message }) => message)).to.deep.equal([`Unknown member; did you mean ${meant}?`]);
      expect(problem.detail).to.equal(`${pointer}: Unknown member; did you mean ${meant}?`);
    });

  it('in an inference is refused with the name of its field', async () => {
    const writer = (parameters: object) => submit({ model: 'tiny-writer', input: 'a', parameters });
    expectProblem(await submit({ ...text, model: 'nobody/knows' }), 404, 'model-not-found', '/model');
    expectProblem(await submit({ ...text, model: 'no name!' }), 422, 'invalid-request', '/model');
    expectProblem(await submit({ model: 'language-id' }), 422, 'invalid-request', '/input');
    expectProblem(await submit({ input: 'a' }), 422, 'invalid-request', '/model');
    expectProblem(await submit({ ...text, extra: 1 }), 422, 'invalid-request', '/extra');
    expectProblem(await submit({ ...text, input: 5 }), 422, 'invalid-request', '/input');
    expectProblem(await submit({ ...text, input: { a: 1 } }), 422, 'invalid-request', '/input');
    expectProblem(await submit({ ...text, input: null }), 422, 'invalid-request', '/input');
    expectProblem(
      await submit({ ...text, parameters: { temperature: 1 } }),
      422,
      'invalid-request',
      '/parameters/temperature',
    );
    expectProblem(await submit({ ...text, parameters: [] }), 422, 'invalid-request', '/parameters');
    for (const temperature of [-0.01, 2.01, 1e308, '1', null, true])
      expectProblem(await writer({ temperature }), 422, 'invalid-request', '/parameters/temperature');
    for (const max_tokens of [0, -1, 1.5, 1e9])
      expectProblem(await writer({ max_tokens }), 422, 'invalid-request', '/parameters/max_tokens');
    expectProblem(await writer({ nope: 1 }), 422, 'invalid-request', '/parameters/nope');
    expectProblem(await writer({ 'a/b~c': 1 }), 422, 'invalid-request', '/parameters/a~1b~0c');
    expectProblem(await writer({ stop: 'not a list' }), 422, 'invalid-request', '/parameters/stop');
    expectProblem(await submit({ ...text, input: 'x'.repeat(20_001) }), 422, 'input-too-long', '/input');
    const both = expectProblem(await writer({ temperature: 9, nope: 1 }), 422, 'invalid-request');
    expect(both.errors?.map(({ pointer }) => pointer)).to.have.members(['/parameters/temperature', '/parameters/nope']);
    expect(both.detail).to.include('temperature');
    const messages = [{ role: 'user', content: 'hello' }];
    expectProblem(await submit({ model: 'language-id', messages }), 422, 'unsupported-by-model', '/messages');
    expectProblem(await submit({ model: 'language-id', messages, input: 'a' }), 422, 'invalid-request', '/messages');
    expectProblem(await submit({ model: 'language-id', messages: [] }), 422, 'invalid-request', '/messages');
  });

  it('as a body is refused', async () => {
    for (const malformed of ['{"model":', '{', 'nonsense', '{"a":1}}', '\u0000'])
      expectProblem(await submit(malformed), 400, 'malformed-json');
    for (const value of ['[]', '5', 'null', '"text"', 'true'])
      expectProblem(await submit(value), 422, 'invalid-request');
    expectProblem(await flow().api('POST', '/v1/inferences'), 400, 'body-missing');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'x'])
      expectProblem(await submit(JSON.stringify(text), { 'content-type': type }), 415, 'unsupported-media-type');
    expectProblem(await submit(text, { 'content-encoding': 'gzip' }), 415, 'unsupported-media-type');
  });

  it('and is larger than 2 MiB is refused, whether it says so or not', async () => {
    const { url, key } = flow();
    const large = JSON.stringify({ ...text, input: 'x'.repeat(LIMIT) });
    expectProblem(await submit(large), 413, 'body-too-large');
    expectProblem(await sendChunked(url, key, LIMIT + 65_536), 413, 'body-too-large');
    const almost = JSON.stringify({ ...text, input: 'x'.repeat(LIMIT - 1_000) });
    expectProblem(await submit(almost), 422, 'input-too-long', '/input');
  });

  it('as a key is 401, and says how to authenticate', async () => {
    const { url, as, key } = flow();
    const refused = async (authorization: string | undefined) => {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await createApi(url, undefined)('POST', '/v1/inferences', { body: text, headers });
      expectProblem(answer, 401, 'unauthorized');
      expect(answer.headers.get('www-authenticate')).to.match(/^Bearer/);
    };
    await refused(undefined);
    for (const scheme of ['', 'Bearer', 'Bearer ', `Basic ${key}`, key, `Bearer ${key} x`, 'Bearer dft_x_y'])
      await refused(scheme);
    await refused(`Bearer dft_${NOWHERE}_${'A'.repeat(43)}`);
    await refused(`Bearer ${others.key.slice(0, -1)}${others.key.endsWith('A') ? 'B' : 'A'}`);
    await refused(`Bearer ${'k'.repeat(5_000)}`);
    expectProblem(await as(undefined)('GET', '/v1/models'), 401, 'unauthorized');
  });

  it('for its key is 403, and names the permission', async () => {
    const { api, as } = flow();
    const issued = await api<{ key: string }>('POST', '/v1/api-keys', {
      body: { name: 'reader', scopes: ['models:read'] },
    });
    headBefore = logHead(flow().dataDir);
    const reader = as(issued.body.key);
    const calls = [
      ['POST', '/v1/inferences', 'inference:write'],
      ['GET', '/v1/inferences', 'inference:read'],
      ['POST', '/v1/tenants', 'platform'],
      ['GET', '/v1/audit', 'audit:read'],
      ['POST', '/v1/api-keys', 'keys:write'],
      ['PUT', '/v1/models/x', 'models:write'],
      ['DELETE', '/v1/models/language-id', 'models:write'],
      ['POST', '/v1/credentials', 'credentials:write'],
    ] as const;
    for (const [method, path, permission] of calls) {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} };
      expect(expectProblem(await reader(method, path, body), 403, 'forbidden').detail).to.include(permission);
    }
    const environment = { name: 'x', kind: 'openai', value: 'env:HOME' };
    expectProblem(await others.api('POST', '/v1/credentials', { body: environment }), 403, 'forbidden', '/value');
  });

  it("that is another tenant's is answered as what does not exist", async () => {
    const { api } = flow();
    const { inference, keyId, credential } = others;
    // What differs by nature: the request's id, and the name that was asked for.
    const bodyOf = ({ body }: ApiAnswer, asked: string) =>
      JSON.parse(JSON.stringify({ ...body, requestId: '' }).replaceAll(asked, 'ASKED')) as unknown;
    const same = async (
      method: string,
      path: (id: string) => string,
      theirs: string,
      absent: string,
      headers: Record<string, string> = {},
    ) => {
      const [one, two] = [await api(method, path(theirs), { headers }), await api(method, path(absent), { headers })];
      expect(one.status, path(theirs)).to.equal(404);
      expect(two.status).to.equal(404);
      expect(bodyOf(one, theirs)).to.deep.equal(bodyOf(two, absent));
      const names = ({ headers }: ApiAnswer) => [...headers.keys()].toSorted();
      expect(names(one)).to.deep.equal(names(two));
    };
    await same('GET', (id) => `/v1/inferences/${id}`, inference, NOWHERE);
    await same('GET', (id) => `/v1/inferences/${id}?wait=1s`, inference, NOWHERE);
    await same('GET', (id) => `/v1/inferences/${id}/events`, inference, NOWHERE);
    await same('DELETE', (id) => `/v1/inferences/${id}`, inference, NOWHERE);
    await same('DELETE', (id) => `/v1/inferences/${id}`, inference, NOWHERE, { 'if-match': '"7"' });
    await same('DELETE', (id) => `/v1/credentials/${id}`, credential, NOWHERE);
    await same('GET', (id) => `/v1/models/${id}`, 'theirs', 'absent');
    const using = (model: string) => submit({ model, input: 'a' });
    expect(bodyOf(await using('theirs'), 'theirs')).to.deep.equal(bodyOf(await using('absent'), 'absent'));
    const withCredential = await api('PUT', '/v1/models/mine', {
      body: { runtime: 'openai', source: 'https://upstream.example/v1', credentialId: credential },
    });
    expectProblem(withCredential, 422, 'invalid-request', '/credentialId');
    // With `platform` the default tenant's key may revoke any key, so this is asked by a third tenant.
    const mine = await api<{ key: string }>('POST', '/v1/api-keys', {
      body: { name: 'k', scopes: ['keys:write', 'tenants:read'] },
    });
    headBefore = logHead(flow().dataDir);
    const mere = flow().as(mine.body.key);
    const [one, two] = [await mere('DELETE', `/v1/api-keys/${keyId}`), await mere('DELETE', `/v1/api-keys/${NOWHERE}`)];
    expectProblem(one, 404, 'not-found');
    expect(bodyOf(one, keyId)).to.deep.equal(bodyOf(two, NOWHERE));
    const platform = await mere('GET', '/v1/tenants/platform');
    expect(bodyOf(platform, 'platform')).to.deep.equal(bodyOf(await mere('GET', '/v1/tenants/absent'), 'absent'));
  });

  it('as a path or a method is 404 or 405', async () => {
    const { api } = flow();
    for (const path of ['/v1', '/v1/nothing', '/v2/inferences', '/v1/inferences/a/b/c', '/.env', '/v1/models/a%20b'])
      expectProblem(await api('GET', path), 404, 'not-found');
    expectProblem(await api('GET', '/v1/inferences/%ff'), 400, 'malformed-url');
    expectProblem(await api('GET', '/v1/inferences/not%20an%20id'), 404, 'not-found');
    const refused = await api('PATCH', '/v1/inferences');
    expectProblem(refused, 405, 'method-not-allowed');
    expect(refused.headers.get('allow')).to.include('GET').and.include('POST');
    expectProblem(await api('POST', '/v1/models/x', { body: {} }), 405, 'method-not-allowed');
    expectProblem(
      await api('PUT', '/v1/models/a%20b', { body: { runtime: 'openai' } }),
      422,
      'invalid-request',
      '/name',
    );
  });

  it('in a query is 422 and names the parameter', async () => {
    const { api } = flow();
    const refused = async (query: string, pointer: string) =>
      expectProblem(await api('GET', `/v1/inferences?${query}`), 422, 'invalid-request', pointer);
    for (const limit of ['0', '101', '-1', '1.5', 'x', '', '1e1']) await refused(`limit=${limit}`, '/limit');
    await refused('limit=1&limit=2', '/limit');
    await refused('status=done', '/status');
    await refused('status=queued&status=done', '/status');
    await refused('createdAfter=yesterday', '/createdAfter');
    await refused('createdBefore=2026-13-01T00:00:00Z', '/createdBefore');
    await refused('unknown=1', '/unknown');
    await refused('q=', '/q');
    for (const cursor of ['x', 'W10', '%F0%9F%98%80', Buffer.from('["1",2]').toString('base64url'), 'a'.repeat(600)])
      await refused(`after=${cursor}`, '/after');
    for (const path of ['/v1/audit', '/v1/api-keys', '/v1/credentials', '/v1/tenants'])
      expectProblem(await api('GET', `${path}?after=x`), 422, 'invalid-request', '/after');
    expectProblem(await api('GET', '/v1/inferences?q=%ff'), 400, 'malformed-url');
    expectProblem(await api('GET', '/v1/audit?type=lower'), 422, 'invalid-request', '/type');
    expectProblem(await api('GET', `/v1/inferences/${others.inference}?wait=2h`), 422, 'invalid-request', '/wait');
    expectProblem(await api('GET', `/v1/inferences/${others.inference}?wait=61s`), 422, 'invalid-request', '/wait');
    expectProblem(await others.api('GET', '/v1/audit?tenant=default'), 403, 'forbidden');
  });

  it('in a header is refused by its name', async () => {
    const { api } = flow();
    for (const key of ['""', '"open', 'k'.repeat(256), 'ü'])
      expectProblem(await submit(text, { 'idempotency-key': key }), 400, 'malformed-header', '/idempotency-key');
    for (const tag of ['3', 'W/"3"', '"x"', '"1", "2"', ''])
      expectProblem(
        await api('DELETE', `/v1/models/x`, { headers: { 'if-match': tag } }),
        400,
        'malformed-header',
        '/if-match',
      );
    expectProblem(
      await api('PUT', '/v1/models/tiny-writer/defaults', { body: {}, headers: { 'if-match': '"77"' } }),
      412,
      'revision-mismatch',
      '/if-match',
    );
  });

  it('as a consistency token is refused by every read', async () => {
    const { api } = flow();
    const theirs = await others.api<{ id: string }>('POST', '/v1/inferences', { body: text });
    await others.api('GET', `/v1/inferences/${theirs.body.id}?wait=30s`);
    headBefore = logHead(flow().dataDir);
    const foreign = theirs.headers.get('x-consistency-token') ?? '';
    const forged = `${foreign.slice(0, -2)}${foreign.endsWith('AA') ? 'BB' : 'AA'}`;
    const mine = (await api<{ id: string }>('GET', '/v1/models')).body;
    expect(mine).to.have.property('object', 'list');
    const reads = [
      'inferences',
      'models',
      'models/language-id',
      'tenants',
      'tenants/default',
      'api-keys',
      'credentials',
      'audit',
    ];
    for (const token of [foreign, forged, 'x', 'a'.repeat(4_000), `${foreign},${forged}`])
      for (const read of [...reads, `inferences/${NOWHERE}`, `inferences/${NOWHERE}/events`])
        expectProblem(
          await api('GET', `/v1/${read}`, { headers: { 'x-consistency-token': token } }),
          422,
          'invalid-consistency-token',
          '/x-consistency-token',
        );
  });

  it('in what an administrator sends is refused by its field', async () => {
    const { api } = flow();
    const post = (path: string, body: unknown) => api('POST', path, { body });
    for (const name of ['', ' a', 'a ', 'a\nb', 'x'.repeat(101), 5, null])
      expectProblem(await post('/v1/tenants', { name }), 422, 'invalid-request', '/name');
    expectProblem(await post('/v1/api-keys', { name: 'k', scopes: ['all'] }), 422, 'invalid-request', '/scopes/0');
    expectProblem(await post('/v1/api-keys', { name: 'k', scopes: [] }), 422, 'invalid-request', '/scopes');
    const past = { name: 'k', expiresAt: '2020-01-01T00:00:00Z' };
    expectProblem(await post('/v1/api-keys', past), 422, 'invalid-request', '/expiresAt');
    expectProblem(await post('/v1/api-keys', { name: 'k', tenantId: 'absent' }), 422, 'invalid-request', '/tenantId');
    const store = (value: unknown) => post('/v1/credentials', { name: 'c', kind: 'openai', value });
    for (const value of ['', 'two words', 'env:lower', 'env:', 7, 'x'.repeat(4_097)])
      expectProblem(await store(value), 422, 'invalid-request', '/value');
    const put = (body: unknown) => api('PUT', '/v1/models/mine', { body });
    expectProblem(await put({ runtime: 'magic' }), 422, 'invalid-request', '/runtime');
    expectProblem(await put({ runtime: 'tensorflow', source: 'absent' }), 422, 'invalid-request', '/source');
    expectProblem(await put({ runtime: 'tensorflow', source: '../etc' }), 422, 'invalid-request', '/source');
    for (const source of [
      'nonsense',
      'ftp://a/b',
      'file:///etc/passwd',
      'https://user:pass@host/v1',
      'http://127.0.0.1:1/v1',
    ])
      expectProblem(await put({ runtime: 'openai', source }), 422, 'invalid-request', '/source');
    const defaults = (body: unknown) => api('PUT', '/v1/models/tiny-writer/defaults', { body });
    expectProblem(await defaults({ temperature: 5 }), 422, 'invalid-request', '/temperature');
    expectProblem(await defaults({ nope: 5 }), 422, 'invalid-request', '/nope');
    expectProblem(await api('PUT', '/v1/models/absent/defaults', { body: {} }), 404, 'model-not-found');
    expectProblem(await api('DELETE', '/v1/models/absent'), 404, 'model-not-found');
  });

  it('as a key that was revoked or has expired is 401', async () => {
    const { api, as } = flow();
    const soon = new Date(Date.now() + 1_000).toISOString();
    const issue = async (body: object) =>
      (await api<{ id: string; key: string }>('POST', '/v1/api-keys', { body })).body;
    const [brief, gone] = [await issue({ name: 'brief', expiresAt: soon }), await issue({ name: 'gone' })];
    expect((await as(gone.key)('GET', '/v1/models')).status).to.equal(200);
    expect((await api('DELETE', `/v1/api-keys/${gone.id}`)).status).to.equal(204);
    headBefore = logHead(flow().dataDir);
    const asked = async (key: string) => as(key)('POST', '/v1/inferences', { body: { ...text, model: 'absent' } });
    expectProblem(await asked(gone.key), 401, 'unauthorized');
    await eventually(async () => expectProblem(await asked(brief.key), 401, 'unauthorized'));
  });
});
