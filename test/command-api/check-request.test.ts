import { expect } from 'chai';
import type { Model, ModelParameter } from '#events/model.ts';
import { checkRequest } from '../../command-api/inferences/check-request.ts';

const parameter = (name: string, type: ModelParameter['type'], more: Partial<ModelParameter> = {}): ModelParameter => ({
  name,
  type,
  minimum: null,
  maximum: null,
  maxItems: null,
  maxLength: null,
  default: null,
  description: '',
  ...more,
});

const model = (task: Model['definition']['task'], more: Partial<Model['definition']> = {}): Model => ({
  owner: 'acme',
  revision: 0,
  grantedTo: [],
  createdAt: 0,
  defaults: { temperature: '0.5' },
  definition: {
    name: 'm',
    description: '',
    task,
    runtime: 'tensorflow',
    source: 'm',
    upstreamModel: null,
    credentialId: null,
    parameters: [
      parameter('temperature', 'number', { minimum: 0, maximum: 2, default: '0.7' }),
      parameter('seed', 'integer', { minimum: 0 }),
      parameter('stop', 'string_array', { maxItems: 2, maxLength: 3, default: '[]' }),
    ],
    anyParameter: false,
    maxInputChars: 100,
    maxBatch: 1,
    maxDelayMs: 0,
    timeoutMs: 1,
    memoryBytes: 0,
    ...more,
  },
});

const ask = (parameters: Record<string, unknown>, input = 'hello') =>
  checkRequest(model('generation'), { form: 'input', input, parameters });

describe('checking a request against its model', () => {
  it('fills in defaults: those set over those of the definition, and the request over both', () => {
    expect(ask({})).to.deep.equal({ ok: true, input: 'hello', parameters: { temperature: 0.5, stop: [] } });
    expect(ask({ temperature: 1, seed: 4 })).to.deep.include({ parameters: { temperature: 1, stop: [], seed: 4 } });
  });

  const refusals: [Record<string, unknown>, string, RegExp][] = [
    [{ temperature: 3 }, '/parameters/temperature', /at most 2/],
    [{ temperature: -1 }, '/parameters/temperature', /at least 0/],
    [{ temperature: '1' }, '/parameters/temperature', /a number/],
    [{ temperature: Number.NaN }, '/parameters/temperature', /a number/],
    [{ seed: 1.5 }, '/parameters/seed', /an integer/],
    [{ stop: ['a', 'b', 'c'] }, '/parameters/stop', /at most 2 items/],
    [{ stop: ['abcd'] }, '/parameters/stop', /at most 3 characters/],
    [{ stop: 'a' }, '/parameters/stop', /array/],
    [{ 'a/b~c': 1 }, '/parameters/a~1b~0c', /no parameter a\/b~c; it has temperature, seed, stop/],
    [{ temprature: 1 }, '/parameters/temprature', /no parameter temprature; did you mean temperature\?$/],
    [{ __proto__x: 1 }, '/parameters/__proto__x', /no parameter/],
  ];
  for (const [parameters, pointer, message] of refusals)
    it(`refuses ${JSON.stringify(parameters)} by name`, () => {
      const checked = ask(parameters);
      if (checked.ok) throw new Error('was accepted');
      expect(checked.code).to.equal('invalid-request');
      expect(checked.faults).to.have.length(1);
      expect(checked.faults[0]).to.have.property('pointer', pointer);
      expect(checked.faults[0]?.message).to.match(message);
    });

  it('names every faulty parameter at once', () => {
    const checked = ask({ temperature: 9, seed: 'x', other: 1 });
    expect(!checked.ok && checked.faults.map(({ pointer }) => pointer)).to.deep.equal([
      '/parameters/temperature',
      '/parameters/seed',
      '/parameters/other',
    ]);
  });

  it('refuses an input longer than the model takes', () => {
    const checked = ask({}, 'x'.repeat(101));
    expect(checked).to.deep.include({ ok: false, code: 'input-too-long' });
  });

  it('refuses messages to a model that takes none', () => {
    const checked = checkRequest(model('classification'), { form: 'chat', body: { messages: [] } });
    expect(checked).to.deep.include({ ok: false, code: 'unsupported-by-model' });
  });

  it('passes a chat whole, with defaults for what it leaves out', () => {
    const body = { messages: [{ role: 'user', content: 'hi' }], tools: [{ type: 'function' }], anything: { x: 1 } };
    const chat = model('chat', { anyParameter: true, parameters: [] });
    const checked = checkRequest(chat, { form: 'chat', body });
    expect(checked).to.deep.equal({ ok: true, input: { ...body, temperature: 0.5 }, parameters: {} });
  });

  it('lets no default stand in for the messages of a chat', () => {
    const chat = { ...model('chat', { anyParameter: true }), defaults: { messages: '"mine"', n: '2' } };
    const messages = [{ role: 'user', content: 'hello' }];
    const checked = checkRequest(chat, { form: 'chat', body: { messages } });
    expect(checked).to.have.property('input').that.includes({ messages, n: 2 });
  });
});
