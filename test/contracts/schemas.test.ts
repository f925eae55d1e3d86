import { expect } from 'chai';
import type { ZodType } from 'zod';
import { issueApiKeySchema } from '#contracts/api-keys.ts';
import { storeCredentialSchema } from '#contracts/credentials.ts';
import { inferenceRoutes, isChatForm, submitInferenceSchema } from '#contracts/inferences.ts';
import { modelNameSchema, registerModelSchema, setDefaultsSchema } from '#contracts/models.ts';
import { PERMISSIONS, permissionsBeyond, ROLE_PERMISSIONS, ROLES } from '#contracts/permissions.ts';
import { actorSchema } from '#contracts/primitives.ts';
import { problems } from '#contracts/problems.ts';
import { createTenantSchema } from '#contracts/tenants.ts';
import { ACTOR_KINDS } from '#events/envelope.ts';
import { faultsOf } from '#platform/http/validate.ts';

const faults = (schema: ZodType, value: unknown) => {
  const result = schema.safeParse(value);
  return result.success
    ? []
    : faultsOf(result.error.issues, 'body').map(({ pointer, message }) => `${pointer} ${message}`);
};
const pointers = (schema: ZodType, value: unknown) => faults(schema, value).map((fault) => fault.split(' ')[0]);

describe('what an inference may be asked', () => {
  it('in the input form, with nothing beside it', () => {
    expect(submitInferenceSchema.parse({ model: 'm', input: 'a' })).to.deep.equal({
      model: 'm',
      input: 'a',
      parameters: {},
    });
    expect(faults(submitInferenceSchema, { model: 'm' })).to.deep.equal(['/input Required']);
    expect(faults(submitInferenceSchema, { input: 'a' })).to.deep.equal(['/model Required']);
    expect(faults(submitInferenceSchema, {})).to.deep.equal(['/model Required', '/input Required']);
    expect(
      pointers(submitInferenceSchema, { model: 'm', input: 'a', x: 1, parameters: { t: { a: 1 } } }),
    ).to.deep.equal(['/parameters/t', '/x']);
    expect(pointers(submitInferenceSchema, { model: 'm', input: null })).to.deep.equal(['/input']);
  });

  it('in the chat form, where every other member travels on', () => {
    const body = {
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }], name: 'b' }],
      tools: [{ x: 1 }],
    };
    const parsed = submitInferenceSchema.parse(body);
    expect(parsed).to.deep.equal(body);
    expect(isChatForm(parsed)).to.equal(true);
    expect(pointers(submitInferenceSchema, { model: 'm', messages: 'a' })).to.deep.equal(['/messages']);
    expect(pointers(submitInferenceSchema, { model: 'm', messages: [] })).to.deep.equal(['/messages']);
    expect(pointers(submitInferenceSchema, { model: 'm', messages: [{}] })).to.deep.equal(['/messages/0/role']);
  });

  it('not in both forms at once', () => {
    expect(pointers(submitInferenceSchema, { model: 'm', input: 'a', messages: [{ role: 'user' }] })).to.deep.equal([
      '/messages',
    ]);
  });

  it('without reaching a prototype', () => {
    const text = '{"model":"m","messages":[{"role":"user","__proto__":{"polluted":1}}],"__proto__":{"polluted":1}}';
    const parsed = submitInferenceSchema.parse(JSON.parse(text)) as Record<string, unknown>;
    expect(Object.getPrototypeOf(parsed)).to.equal(Object.prototype);
    expect(parsed['polluted']).to.equal(undefined);
  });
});

describe('query parameters', () => {
  const { query } = inferenceRoutes.listInferences;

  it('become what the handlers need', () => {
    expect(
      query.parse({ status: ['queued', 'failed'], model: 'a/b', createdAfter: '2026-08-01T00:00:00Z' }),
    ).to.deep.equal({
      status: ['queued', 'failed'],
      model: ['a/b'],
      createdAfter: Date.UTC(2026, 7, 1),
      limit: 20,
    });
  });

  it('are named when they do not fit', () => {
    for (const limit of ['0', '101', '-1', '1e1', '', ' 5', '5.0']) {
      expect(faults(query, { limit }), limit).to.deep.equal(['/limit Must be a whole number from 1 to 100']);
    }
    expect(pointers(query, { status: 'done', createdAfter: '2026-08-01', q: '', order: 'up' })).to.have.members([
      '/status',
      '/createdAfter',
      '/q',
      '/order',
    ]);
  });

  it('take durations up to a minute', () => {
    const { query } = inferenceRoutes.getInference;
    const waits = ['500ms', '30s', '1m', '60s', '0s'].map((wait) => query.parse({ wait }).wait);
    expect(waits).to.deep.equal([500, 30_000, 60_000, 60_000, 0]);
    for (const wait of ['61s', '2m', '30', 's', '-1s', '1h', '1.5s'])
      expect(pointers(query, { wait })).to.deep.equal(['/wait']);
  });
});

describe('names and secrets', () => {
  it('of models have segments', () => {
    for (const name of ['a', 'org/model', 'a/b/c:latest', 'gpt-4.1@2026'])
      expect(faults(modelNameSchema, name)).to.deep.equal([]);
    for (const name of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a b', 'ä', 'a'.repeat(201)]) {
      expect(faults(modelNameSchema, name), name).not.to.deep.equal([]);
    }
  });

  it('of tenants and keys are one line, in any language', () => {
    for (const name of ['acme', 'Günışığı A.Ş.', '株式会社'])
      expect(faults(createTenantSchema, { name })).to.deep.equal([]);
    for (const name of ['', ' a', 'a ', 'a\nb', 'a\u2028b', 'x'.repeat(101), 5, null]) {
      expect(pointers(createTenantSchema, { name }), String(name)).to.include('/name');
    }
  });

  it('of keys grant known scopes, each once, until a time', () => {
    expect(pointers(issueApiKeySchema, { name: 'a', scopes: ['all'] })).to.deep.equal(['/scopes/0']);
    expect(pointers(issueApiKeySchema, { name: 'a', scopes: [] })).to.deep.equal(['/scopes']);
    expect(pointers(issueApiKeySchema, { name: 'a', scopes: ['audit:read', 'audit:read'] })).to.deep.equal(['/scopes']);
    expect(pointers(issueApiKeySchema, { name: 'a', expiresAt: 'tomorrow' })).to.deep.equal(['/expiresAt']);
  });

  it('of credentials are a value or the name of a variable', () => {
    const store = (value: unknown) => pointers(storeCredentialSchema, { name: 'a', kind: 'openai', value });
    for (const value of ['sk-abc', 'env:OPENAI_API_KEY']) expect(store(value)).to.deep.equal([]);
    for (const value of ['', 'a b', 'a\nb', 'env:', 'env:lower', 'env:A-B', 'ü'])
      expect(store(value), value).to.include('/value');
  });

  it('of upstreams are URLs without secrets in them', () => {
    const source = (url: string) => pointers(registerModelSchema, { runtime: 'openai', source: url });
    for (const url of ['https://api.openai.com/v1', 'http://127.0.0.1:11434/v1']) expect(source(url)).to.deep.equal([]);
    for (const url of ['ftp://a', 'file:///etc/passwd', 'a', 'https://user:pass@a/v1'])
      expect(source(url), url).to.deep.equal(['/source']);
    expect(pointers(registerModelSchema, { runtime: 'tensorflow', source: '../../etc' })).to.deep.equal(['/source']);
    expect(pointers(registerModelSchema, { runtime: 'other' })).to.deep.equal(['/runtime']);
  });

  it('of parameters are words', () => {
    expect(faults(setDefaultsSchema, { temperature: 0.5, stop: ['a'], seed: null })).to.deep.equal([]);
    expect(faults(setDefaultsSchema, { 'a b': 1 })).to.deep.equal(['/a b Must be letters, digits and underscores']);
    expect(pointers(setDefaultsSchema, { a: { b: 1 } })).to.deep.equal(['/a']);
  });
});

describe('permissions', () => {
  it('grow from viewer to platform-admin, and only the last reaches beyond one tenant', () => {
    const of = (role: (typeof ROLES)[number]) => new Set<string>(ROLE_PERMISSIONS[role]);
    expect([...of('viewer')].every((one) => of('member').has(one))).to.equal(true);
    expect([...of('member')].every((one) => of('admin').has(one))).to.equal(true);
    expect([...of('platform-admin')]).to.have.members([...PERMISSIONS]);
    for (const role of ['viewer', 'member', 'admin'] as const) expect(of(role).has('platform')).to.equal(false);
    expect(of('viewer').has('inference:write')).to.equal(false);
  });

  it('that a caller lacks are named', () => {
    const held = new Set(['keys:write', 'inference:read']);
    expect(permissionsBeyond(['inference:read'], held)).to.deep.equal([]);
    expect(permissionsBeyond(['platform', 'inference:write', 'other'], held)).to.deep.equal([
      'inference:write',
      'platform',
      'other',
    ]);
  });
});

describe('problems', () => {
  it('have kebab-case codes and statuses of errors', () => {
    for (const [code, problem] of Object.entries(problems)) {
      expect(problem.code).to.equal(code);
      expect(code).to.match(/^[a-z]+(?:-[a-z]+)*$/);
      expect(problem.status).to.be.within(400, 599);
      expect(problem.title).to.match(/^[A-Z]/);
    }
  });
});

describe('who caused an event', () => {
  it('is shown as each kind that there is', () => {
    expect(actorSchema.shape.kind.options).to.deep.equal([...ACTOR_KINDS]);
  });
});
