import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import OpenAI from 'openai';
import type { Api, ApiAnswer } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { logHead } from '../support/log-head.ts';
import { secretOf } from '../support/secret-of.ts';
import { storedBytes } from '../support/stored-bytes.ts';
import { describeFlow } from './with-defter.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}
interface Key extends Named {
  readonly key: string;
  readonly tenantId: string;
  readonly scopes: string[];
  readonly status: string;
  readonly last4: string;
  readonly lastUsedAt: string | null;
}
interface Model {
  readonly id: string;
  readonly owned_by: string;
  readonly defaults: Record<string, unknown>;
  readonly revision: number;
  readonly source: string | null;
  readonly credentialId: string | null;
}
interface List<Item> {
  readonly data: Item[];
  readonly next: string | null;
}

const tokenOf = (answer: ApiAnswer<unknown>) => ({
  'x-consistency-token': answer.headers.get('x-consistency-token') ?? '',
});
const upstream = { runtime: 'openai', source: 'https://upstream.example/v1' };

/** The log's files, which the server holds in another process. */
const logBytes = (dataDir: string) =>
  Buffer.concat(
    readdirSync(dataDir)
      .filter((name) => name.startsWith('events.sqlite'))
      .map((name) => readFileSync(join(dataDir, name))),
  );

function secretsIn(dataDir: string): string[] {
  const vault = new DatabaseSync(join(dataDir, 'vault.sqlite'), { readOnly: true, timeout: 5_000 });
  try {
    const rows = vault.prepare("SELECT name FROM entries WHERE name LIKE 'secret/%' ORDER BY name").all();
    return rows.map((row) => String(row['name']));
  } finally {
    vault.close();
  }
}

describeFlow('a tenant', (flow) => {
  const create = (name: string, headers: Record<string, string> = {}) =>
    flow().api<Named>('POST', '/v1/tenants', { body: { name }, headers });

  it('is created, read and listed by whoever has the permission platform', async () => {
    const { api } = flow();
    const made = await create('Acme');
    expect(made.status).to.equal(201);
    expect(made.headers.get('location')).to.equal(`/v1/tenants/${made.body.id}`);
    expect(made.headers.get('etag')).to.equal('"0"');
    expect(made.body).to.include({ object: 'tenant', name: 'Acme', status: 'active' });
    const counts = { people: 0, apiKeys: 0, models: 0 };
    expect((await api('GET', `/v1/tenants/${made.body.id}`)).body).to.deep.equal({ ...made.body, counts });
    const list = await api<List<Named>>('GET', '/v1/tenants', { headers: tokenOf(made) });
    expect(list.body.data.map(({ name }) => name)).to.include.members(['Acme', 'default']);
  });

  it('has a name of its own, whatever the case', async () => {
    await create('Ümit & Co');
    for (const name of ['Ümit & Co', 'ümit & co', 'ÜMİT & CO'.replace('İ', 'I'), 'U\u0308mit & Co'])
      expectProblem(await create(name), 409, 'name-taken', '/name');
    expectProblem(await create('DEFAULT'), 409, 'name-taken', '/name');
    expect((await create('Ümit & Co 2')).status).to.equal(201);
  });

  it('that many create at once under one name is created once', async () => {
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        [`Race ${round}`, `race ${round}`, `RACE ${round}`, `rAcE ${round}`, `Race ${round}`].map((name) =>
          create(name),
        ),
      );
      expect(answers.map(({ status }) => status)).to.have.members([201, 409, 409, 409, 409]);
      const { data } = (await flow().api<List<Named>>('GET', '/v1/tenants?limit=100')).body;
      expect(data.filter(({ name }) => name.toLowerCase() === `race ${round}`)).to.have.length(1);
    }
  });

  it('asked for again with the same Idempotency-Key is the same one', async () => {
    const keyed = { 'idempotency-key': randomUUID() };
    const [one, two] = await Promise.all([create('Twice', keyed), create('Twice', keyed)]);
    expect([one.status, two.status]).to.deep.equal([201, 201]);
    expect(two.body).to.deep.equal(one.body);
    const three = await create('Twice', keyed);
    expect(three.body).to.deep.equal(one.body);
    expect(three.headers.get('idempotent-replayed')).to.equal('true');
    expectProblem(await create('Thrice', keyed), 422, 'idempotency-key-reused', '/idempotency-key');
    expect((await create('Thrice')).status).to.equal(201);
  });

  it('sees itself alone without that permission', async () => {
    const { newTenant } = flow();
    const scopes = ['tenants:read', 'tenants:write', 'audit:read'];
    const [one, two] = [await newTenant('Hermit', scopes), await newTenant('Neighbour', scopes)];
    const list = await one.api<List<Named>>('GET', '/v1/tenants');
    expect(list.body.data.map(({ id }) => id)).to.deep.equal([one.id]);
    expect((await one.api('GET', `/v1/tenants/${one.id}`)).status).to.equal(200);
    expectProblem(await one.api('GET', `/v1/tenants/${two.id}`), 404, 'not-found');
    expectProblem(await one.api('POST', '/v1/tenants', { body: { name: 'Mine' } }), 403, 'forbidden');
    await eventually(async () => {
      const seen = await one.api<List<{ tenantId: string }>>('GET', '/v1/audit?limit=100');
      expect(seen.body.data).to.have.length.of.at.least(2);
      expect(new Set(seen.body.data.map(({ tenantId }) => tenantId))).to.deep.equal(new Set([one.id]));
    });
  });

  it('is listed page by page, each once, in the order of their making', async () => {
    const made: string[] = [];
    for (let n = 0; n < 7; n++) made.push((await create(`Page ${n}`)).body.id);
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: ApiAnswer<List<Named>> = await flow().api('GET', `/v1/tenants?limit=3${next && `&after=${next}`}`);
      if (page.body.next !== null) expect(page.body.data).to.have.length(3);
      seen.push(...page.body.data.map(({ id }) => id));
      next = page.body.next;
    }
    expect(new Set(seen).size).to.equal(seen.length);
    expect(seen.filter((id) => made.includes(id))).to.deep.equal(made.toReversed());
  });
});

describeFlow('an API key', (flow) => {
  const issue = (api: Api, body: object, headers: Record<string, string> = {}) =>
    api<Key>('POST', '/v1/api-keys', { body, headers });

  it('is issued with what its maker names, works at once, and is shown that once', async () => {
    const { api, as, dataDir } = flow();
    const made = await issue(api, { name: 'robot', scopes: ['models:read'] });
    expect(made.status).to.equal(201);
    expect(made.body).to.include({
      object: 'api_key',
      tenantId: 'default',
      name: 'robot',
      status: 'active',
      expiresAt: null,
    });
    expect(made.body.scopes).to.deep.equal(['models:read']);
    expect(made.body.key)
      .to.match(/^dft_[\w-]+$/)
      .and.to.satisfy((key: string) => key.endsWith(made.body.last4));
    const robot = as(made.body.key);
    expect((await robot('GET', '/v1/models')).status).to.equal(200);
    expectProblem(await robot('GET', '/v1/inferences'), 403, 'forbidden');
    const list = await api<List<Key>>('GET', '/v1/api-keys?limit=100', { headers: tokenOf(made) });
    expect(JSON.stringify(list.body)).not.to.include(made.body.key).and.not.to.include(secretOf(made.body.key));
    // When it was used becomes known in its own time.
    const { key: _, lastUsedAt: __, ...shown } = made.body;
    expect(list.body.data.find(({ id }) => id === made.body.id)).to.deep.include(shown);
    expect(storedBytes(dataDir).includes(made.body.key)).to.equal(false);
  });

  it('that names no scopes may submit and read', async () => {
    const { api } = flow();
    const made = await issue(api, { name: 'plain' });
    expect(made.body.scopes).to.have.members(['inference:write', 'inference:read', 'models:read']);
  });

  it('can do no more than its maker', async () => {
    const { newTenant, as } = flow();
    const maker = await newTenant('Key makers', ['keys:write', 'models:read']);
    const refused = await issue(maker.api, { name: 'more', scopes: ['models:read', 'inference:read', 'platform'] });
    const { errors } = expectProblem(refused, 403, 'forbidden', '/scopes/1');
    expect(errors).to.have.length(2);
    const equal = await issue(maker.api, { name: 'equal', scopes: ['models:read', 'keys:write'] });
    expect(equal.status).to.equal(201);
    expect(equal.body.tenantId).to.equal(maker.id);
    const plain = await issue(as(equal.body.key), { name: 'plain' });
    expect(plain.body.scopes).to.deep.equal(['models:read']);
  });

  it('for another tenant needs the permission platform', async () => {
    const { api, newTenant, as } = flow();
    const [one, two] = [await newTenant('Lender'), await newTenant('Borrower')];
    expectProblem(await issue(one.api, { name: 'theirs', tenantId: two.id }), 422, 'invalid-request', '/tenantId');
    expectProblem(await issue(one.api, { name: 'theirs', tenantId: 'absent' }), 422, 'invalid-request', '/tenantId');
    const made = await issue(api, { name: 'theirs', tenantId: two.id });
    expect(made.body.tenantId).to.equal(two.id);
    expect((await as(made.body.key)('GET', '/v1/models')).status).to.equal(200);
    const theirs = await two.api<List<Key>>('GET', '/v1/api-keys', { headers: {} });
    await eventually(async () => {
      const { data } = (await two.api<List<Key>>('GET', '/v1/api-keys')).body;
      expect(data.map(({ id }) => id)).to.include(made.body.id);
    });
    expect(theirs.body.data.every(({ tenantId }) => tenantId === two.id)).to.equal(true);
    const lender = await one.api<List<Key>>('GET', '/v1/api-keys');
    expect(lender.body.data.map(({ id }) => id)).not.to.include(made.body.id);
  });

  it('is out with the very next request after it was revoked', async () => {
    const { api, as } = flow();
    for (let round = 0; round < 20; round++) {
      const { body } = await issue(api, { name: `brief ${round}`, scopes: ['models:read'] });
      const brief = as(body.key);
      expect((await brief('GET', '/v1/models')).status).to.equal(200);
      const revoked = await api('DELETE', `/v1/api-keys/${body.id}`);
      expect(revoked.status).to.equal(204);
      expect(revoked.headers.get('etag')).to.equal('"1"');
      expectProblem(await brief('GET', '/v1/models'), 401, 'unauthorized');
      expect((await api('DELETE', `/v1/api-keys/${body.id}`)).status).to.equal(204);
      const list = await api<List<Key>>('GET', '/v1/api-keys?limit=100', { headers: tokenOf(revoked) });
      expect(list.status, JSON.stringify(list.body)).to.equal(200);
      expect(list.body.data.filter(({ id, status }) => id === body.id && status === 'active')).to.deep.equal([]);
    }
  });

  it('expires when it was to', async () => {
    const { api, as } = flow();
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const keyed = { 'idempotency-key': randomUUID() };
    const { body } = await issue(api, { name: 'milk', expiresAt }, keyed);
    expect((await as(body.key)('GET', '/v1/models')).status).to.equal(200);
    await eventually(async () => expect((await as(body.key)('GET', '/v1/models')).status).to.equal(401));
    expect(Date.now()).to.be.at.least(Date.parse(expiresAt));
    const list = await api<List<Key>>('GET', '/v1/api-keys?limit=100');
    expect(list.body.data.find(({ id }) => id === body.id)?.status).to.equal('expired');
    const repeated = await issue(api, { name: 'milk', expiresAt }, keyed);
    expect(repeated.status).to.equal(201);
    expect(repeated.body).to.deep.include({ id: body.id, key: body.key, status: 'expired' });
    expect(repeated.headers.get('idempotent-replayed')).to.equal('true');
  });

  it('asked for again with the same Idempotency-Key is the same key', async () => {
    const { api, as } = flow();
    const keyed = { 'idempotency-key': randomUUID() };
    const body = { name: 'once', scopes: ['models:read'] };
    const [one, two] = await Promise.all([issue(api, body, keyed), issue(api, body, keyed)]);
    expect(one.body.key).to.equal(two.body.key);
    const three = await issue(api, body, keyed);
    expect(three.body).to.deep.equal(one.body);
    expect(three.headers.get('idempotent-replayed')).to.equal('true');
    expect((await as(three.body.key)('GET', '/v1/models')).status).to.equal(200);
    expectProblem(await issue(api, { ...body, name: 'other' }, keyed), 422, 'idempotency-key-reused');
  });

  it('is revoked only at the revision that was named', async () => {
    const { api, as } = flow();
    const { body } = await issue(api, { name: 'matched', scopes: ['models:read'] });
    const revoke = (tag: string) => api('DELETE', `/v1/api-keys/${body.id}`, { headers: { 'if-match': tag } });
    expectProblem(await revoke('"3"'), 412, 'revision-mismatch');
    expect((await as(body.key)('GET', '/v1/models')).status).to.equal(200);
    expect((await revoke('"0"')).status).to.equal(204);
  });
});

describeFlow(
  'a secret',
  (flow) => {
    it('of a credential is in no answer, event, log line or file', async () => {
      const { api, dataDir } = flow();
      const value = `sk-${randomBytes(24).toString('hex')}`;
      const body = { name: 'upstream', kind: 'openai', value };
      const made = await api<Named>('POST', '/v1/credentials', { body, headers: { 'idempotency-key': 'cred-1' } });
      expect(made.status).to.equal(201);
      expect(made.body).to.include({
        object: 'credential',
        name: 'upstream',
        kind: 'openai',
        last4: value.slice(-4),
        environment: null,
      });
      await api('PUT', '/v1/models/with-secret', { body: { ...upstream, credentialId: made.body.id } });
      const answers = [made];
      for (const path of ['credentials', 'models', 'models/with-secret', 'audit?limit=100'])
        answers.push(await api('GET', `/v1/${path}`, { headers: tokenOf(made) }));
      for (const { body: shown } of answers) expect(JSON.stringify(shown)).not.to.include(value);
      expectProblem(await api('POST', '/v1/credentials', { body: { ...body, more: value } }), 422, 'invalid-request');
      const stored = storedBytes(dataDir);
      for (const text of [
        value,
        Buffer.from(value).toString('base64').slice(0, 40),
        Buffer.from(value).toString('hex'),
      ])
        expect(stored.includes(text)).to.equal(false);
    });

    it('of a deleted credential is gone, and a repeat of its making does not bring it back', async () => {
      const { api, dataDir } = flow();
      const headers = { 'idempotency-key': 'cred-2' };
      const body = { name: 'short-lived', kind: 'openai', value: 'sk-short-lived-0001' };
      const { body: made } = await api<Named>('POST', '/v1/credentials', { body, headers });
      const before = secretsIn(dataDir);
      expect((await api('DELETE', `/v1/credentials/${made.id}`)).status).to.equal(204);
      const after = secretsIn(dataDir);
      expect(before.length - after.length).to.equal(1);
      await api('POST', '/v1/credentials', { body, headers });
      expect(secretsIn(dataDir)).to.deep.equal(after);
      const list = await api<List<Named>>('GET', '/v1/credentials?limit=100');
      expect(list.body.data.map(({ id }) => id)).not.to.include(made.id);
    });

    it('prompt and its answer are sealed in the log and in blobs', async () => {
      const { api, dataDir } = flow();
      const word = 'Zyxwvutsrqponmlk';
      const large = `${word} ${'und noch viel mehr Text '.repeat(800)}`.slice(0, 19_000);
      for (const input of [word, large]) {
        const { body } = await api<{ id: string }>('POST', '/v1/inferences', { body: { model: 'language-id', input } });
        expect((await api('GET', `/v1/inferences/${body.id}?wait=30s`)).body).to.include({
          status: 'completed',
          input,
        });
      }
      const written = await api<{ id: string }>('POST', '/v1/inferences', {
        body: { model: 'tiny-writer', input: word, parameters: { max_tokens: 60, seed: 4 } },
      });
      const done = await api<{ output: { text: string } }>('GET', `/v1/inferences/${written.body.id}?wait=30s`);
      const answer = done.body.output.text.trim().slice(0, 24);
      expect(answer.length).to.be.greaterThan(12);
      const blobs = storedBytes(`${dataDir}/blobs`);
      expect(blobs.length).to.be.greaterThan(1_000);
      const log = logBytes(dataDir);
      expect(log.includes('InferenceRequested')).to.equal(true);
      for (const text of [word, 'und noch viel mehr', answer]) {
        expect(blobs.includes(text), 'blobs').to.equal(false);
        expect(log.includes(text), 'log').to.equal(false);
      }
    });
  },
  { env: { LOG_DIR: './logs', LOG_LEVEL: 'debug' }, looksIntoFiles: true },
);

describeFlow('a model', (flow) => {
  const put = (api: Api, name: string, body: object, headers: Record<string, string> = {}) =>
    api<Model>('PUT', `/v1/models/${name}`, { body, headers });
  const get = (api: Api, name: string) => api<Model>('GET', `/v1/models/${name}`);
  const setDefaults = (api: Api, name: string, body: object, headers: Record<string, string> = {}) =>
    api<Model>('PUT', `/v1/models/${name}/defaults`, { body, headers });

  it('is registered, registered anew and retired, each at its revision', async () => {
    const { api } = await flow().newTenant('Registrars');
    const made = await put(api, 'mine', { ...upstream, description: 'first' });
    expect(made.status).to.equal(201);
    expect(made.headers.get('etag')).to.equal('"0"');
    expect(made.body).to.include({ id: 'mine', object: 'model', description: 'first', revision: 0 });
    const same = await put(api, 'mine', { ...upstream, description: 'first' });
    expect([same.status, same.headers.get('etag')]).to.deep.equal([200, '"0"']);
    expectProblem(
      await put(api, 'mine', { ...upstream, description: 'second' }, { 'if-match': '"5"' }),
      412,
      'revision-mismatch',
    );
    const anew = await put(api, 'mine', { ...upstream, description: 'second' }, { 'if-match': '"0"' });
    expect([anew.status, anew.headers.get('etag')]).to.deep.equal([200, '"1"']);
    const read = await get(api, 'mine');
    expect(read.headers.get('etag')).to.equal('"1"');
    expect(read.body).to.deep.equal(anew.body);
    expectProblem(await put(api, 'never', upstream, { 'if-match': '*' }), 412, 'revision-mismatch');
    expectProblem(await api('DELETE', '/v1/models/mine', { headers: { 'if-match': '"0"' } }), 412, 'revision-mismatch');
    const retired = await api('DELETE', '/v1/models/mine', { headers: { 'if-match': '"1"' } });
    expect(retired.body).to.deep.equal({ id: 'mine', object: 'model', deleted: true });
    expectProblem(await get(api, 'mine'), 404, 'model-not-found');
    const asked = await api('POST', '/v1/inferences', {
      body: { model: 'mine', messages: [{ role: 'user', content: 'a' }] },
    });
    expectProblem(asked, 404, 'model-not-found', '/model');
    expect((await put(api, 'mine', upstream)).status).to.equal(201);
  });

  it('has defaults that apply where a request names no value', async () => {
    const { api } = await flow().newTenant('Defaulters');
    await put(api, 'writer', { runtime: 'tensorflow', source: 'tiny-writer' });
    const set = await setDefaults(api, 'writer', { max_tokens: 7, seed: 9 }, { 'if-match': '"0"' });
    expect(set.status).to.equal(200);
    expect(set.body.defaults).to.include({ max_tokens: 7, seed: 9 });
    expectProblem(await setDefaults(api, 'writer', { seed: 1 }, { 'if-match': '"0"' }), 412, 'revision-mismatch');
    const run = async (parameters: object) => {
      const { body } = await api<{ id: string }>('POST', '/v1/inferences', {
        body: { model: 'writer', input: 'The ', parameters },
      });
      return (
        await api<{ status: string; parameters: object; output: { text: string } }>(
          'GET',
          `/v1/inferences/${body.id}?wait=30s`,
        )
      ).body;
    };
    const [plain, asked] = [await run({}), await run({ max_tokens: 3 })];
    expect(plain.parameters).to.include({ max_tokens: 7, seed: 9 });
    expect(plain.output.text).to.have.length(7);
    expect(asked.output.text).to.have.length(3);
    const before = logHead(flow().dataDir);
    await setDefaults(api, 'writer', { max_tokens: 7, seed: 9 });
    expect(logHead(flow().dataDir)).to.equal(before);
  });

  it("of a tenant's own stands before the platform's of the same name", async () => {
    const { newTenant } = flow();
    const [one, two] = [await newTenant('Shadow'), await newTenant('Light')];
    const before = await get(one.api, 'language-id');
    expect(before.body.owned_by).to.equal('platform');
    const made = await put(one.api, 'language-id', {
      runtime: 'tensorflow',
      source: 'tiny-writer',
      description: 'a shadow',
    });
    expect(made.status).to.equal(201);
    expect((await get(one.api, 'language-id')).body).to.include({ owned_by: one.id, task: 'generation' });
    const list = (await one.api<List<Model>>('GET', '/v1/models')).body.data.filter(({ id }) => id === 'language-id');
    expect(list.map(({ owned_by }) => owned_by)).to.deep.equal([one.id]);
    const { body } = await one.api<{ id: string }>('POST', '/v1/inferences', {
      body: { model: 'language-id', input: 'a' },
    });
    const done = await one.api<{ output: object }>('GET', `/v1/inferences/${body.id}?wait=30s`);
    expect(done.body.output).to.have.property('text');
    expect((await get(two.api, 'language-id')).body).to.deep.equal(before.body);
    await one.api('DELETE', '/v1/models/language-id');
    expect((await get(one.api, 'language-id')).body.owned_by).to.equal('platform');
  });

  it('may have slashes in its name, written as they are or encoded, and be called like a path', async () => {
    const { api, key } = await flow().newTenant('Slashers');
    for (const name of ['org/model-7b:latest', 'a/b/c', 'org/defaults', 'defaults']) {
      const encoded = encodeURIComponent(name);
      expect((await put(api, encoded, upstream)).status, name).to.equal(201);
      expect((await get(api, encoded)).body.id).to.equal(name);
      // Written as it is, a path that ends like that of the defaults is theirs.
      if (name.endsWith('/defaults')) expect((await get(api, name)).status).to.equal(405);
      else expect((await get(api, name)).body.id).to.equal(name);
      expect((await setDefaults(api, encoded, { temperature: 1 })).body).to.deep.include({
        id: name,
        defaults: { temperature: 1 },
      });
    }
    const client = new OpenAI({ apiKey: key, baseURL: `${flow().url}/v1`, maxRetries: 0 });
    expect((await client.models.retrieve('org/model-7b:latest')).id).to.equal('org/model-7b:latest');
    expect(await client.models.delete('org/model-7b:latest')).to.deep.include({
      id: 'org/model-7b:latest',
      deleted: true,
    });
  });

  it('is listed and retrieved by the OpenAI client', async () => {
    const { key, url } = flow();
    const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 });
    const ids: string[] = [];
    for await (const model of client.models.list()) {
      expect(model).to.include({ object: 'model' });
      expect(model.created).to.be.a('number');
      ids.push(model.id);
    }
    expect(ids).to.include.members(['language-id', 'tiny-writer']);
    expect(await client.models.retrieve('language-id')).to.deep.include({ id: 'language-id', owned_by: 'platform' });
    const refused = await client.models.retrieve('absent').catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(OpenAI.NotFoundError).with.property('code', 'model-not-found');
    const stranger = new OpenAI({ apiKey: 'nobody', baseURL: `${url}/v1`, maxRetries: 0 });
    expect(await stranger.models.list().catch((error: unknown) => error)).to.be.instanceOf(OpenAI.AuthenticationError);
  });

  it('put twice under one Idempotency-Key is one, and another body is refused', async () => {
    const { api } = await flow().newTenant('Repeaters');
    const keyed = { 'idempotency-key': 'm-1' };
    await put(api, 'one', upstream, keyed);
    await put(api, 'one', { ...upstream, description: 'changed since' });
    const again = await put(api, 'one', upstream, keyed);
    expect(again.status).to.equal(201);
    expect(again.headers.get('idempotent-replayed')).to.equal('true');
    expect((await get(api, 'one')).body).to.include({ description: 'changed since' });
    expectProblem(await put(api, 'one', { ...upstream, description: 'x' }, keyed), 422, 'idempotency-key-reused');
  });
});

describeFlow('a consistency token', (flow) => {
  it('shows its write in every list, right after each write', async function () {
    this.timeout(60_000);
    const { api, newTenant } = flow();
    const tenant = await newTenant('Impatient');
    const ids = async (by: Api, path: string, written: ApiAnswer<unknown>) => {
      const answer = await by<List<{ id: string }>>('GET', path, { headers: tokenOf(written) });
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      return answer.body.data.map(({ id }) => id);
    };
    const audited = async (written: ApiAnswer<unknown>, stream: string, count: number) => {
      const path = `/v1/audit?stream=${encodeURIComponent(stream)}`;
      expect(await ids(tenant.api, path, written), stream).to.have.length(count);
    };
    for (let round = 0; round < 25; round++) {
      const made = await api<Named>('POST', '/v1/tenants', { body: { name: `Impatient ${round}` } });
      expect(await ids(api, '/v1/tenants?limit=5', made)).to.include(made.body.id);

      const key = await tenant.api<Named>('POST', '/v1/api-keys', { body: { name: 'k' } });
      expect(await ids(tenant.api, '/v1/api-keys?limit=5', key)).to.include(key.body.id);
      await audited(key, `apikey-${key.body.id}`, 1);
      const revoked = await tenant.api('DELETE', `/v1/api-keys/${key.body.id}`);
      expect(await ids(tenant.api, '/v1/api-keys?limit=5', revoked)).not.to.include(key.body.id);
      await audited(revoked, `apikey-${key.body.id}`, 2);

      const body = { name: 'c', kind: 'openai', value: 'sk-0123456789abcdef' };
      const credential = await tenant.api<Named>('POST', '/v1/credentials', { body });
      expect(await ids(tenant.api, '/v1/credentials?limit=5', credential)).to.include(credential.body.id);
      const gone = await tenant.api('DELETE', `/v1/credentials/${credential.body.id}`);
      expect(await ids(tenant.api, '/v1/credentials?limit=5', gone)).not.to.include(credential.body.id);
      await audited(gone, `credential-${credential.body.id}`, 2);

      const model = await tenant.api<Model>('PUT', `/v1/models/m-${round}`, { body: upstream });
      expect(await ids(tenant.api, '/v1/models', model)).to.include(`m-${round}`);
      const retired = await tenant.api('DELETE', `/v1/models/m-${round}`);
      expect(await ids(tenant.api, '/v1/models', retired)).not.to.include(`m-${round}`);

      const asked = await tenant.api<{ id: string }>('POST', '/v1/inferences', {
        body: { model: 'language-id', input: `n ${round}` },
      });
      expect(await ids(tenant.api, '/v1/inferences?limit=5', asked)).to.include(asked.body.id);
      // Several writes' tokens, joined, are one.
      const joined = `${tokenOf(model)['x-consistency-token']},${tokenOf(asked)['x-consistency-token']}`;
      const both = await tenant.api<List<{ id: string }>>('GET', '/v1/inferences?limit=5', {
        headers: { 'x-consistency-token': joined },
      });
      expect(both.body.data.map(({ id }) => id)).to.include(asked.body.id);
    }
  });
});
