import { expect } from 'chai';
import { openOpenAiRuntime } from '#platform/model-host/openai-runtime.ts';
import type { LoadedModel, ModelRuntime, RunOptions, RunResult } from '#platform/model-host/model-runtime.ts';
import type { UpstreamLimits } from '#platform/model-host/upstream-limits.ts';
import { chunk, chunkHead, completion, echo, events, json, openOpenAiUpstream } from '../support/openai-upstream.ts';
import type { OpenAiUpstream } from '../support/openai-upstream.ts';
import { createQuietLog, type QuietLog } from '../support/quiet-log.ts';

const secret = 'sk-this-must-never-be-seen';
const chat = { messages: [{ role: 'user', content: 'hello' }] };

describe('openai runtime', function () {
  this.timeout(20_000);
  let upstream: OpenAiUpstream;
  let runtime: ModelRuntime;
  let model: LoadedModel;
  let log: QuietLog;

  async function start(limits: Partial<UpstreamLimits> = {}): Promise<void> {
    upstream = await openOpenAiUpstream();
    log = createQuietLog();
    runtime = openOpenAiRuntime({ log, limits: { firstBackoffMs: 10, longestBackoffMs: 40, ...limits } });
    const options = { upstreamModel: 'up-1', allowPrivateNetwork: true, headers: { 'x-org': 'defter' } };
    model = await runtime.load({ key: 'k', revision: 0, runtime: 'openai', source: upstream.url, options, secret });
  }
  beforeEach(() => start());
  afterEach(async () => {
    await runtime.close();
    await upstream.close();
    expect(log.lines.join('\n')).not.to.include(secret);
  });

  async function run(input: unknown, options: Partial<RunOptions> = {}): Promise<RunResult> {
    const [result] = await model.run([{ id: 'i', input }], { parameters: {}, deadlineMs: 5_000, ...options });
    if (!result) throw new Error('there is no result');
    expect(JSON.stringify(result)).not.to.include(secret);
    return result;
  }

  async function errorOf(input: unknown, options: Partial<RunOptions> = {}) {
    const result = await run(input, options);
    if (result.ok) throw new Error('it did not fail');
    return result.error;
  }

  async function restart(limits: Partial<UpstreamLimits>): Promise<void> {
    await runtime.close();
    await upstream.close();
    await start(limits);
  }

  it('sends the body whole, unknown members included, with model and credential its own', async () => {
    const input = { ...chat, model: 'mine', tools: [{ type: 'function' }], x_unknown: { a: [1] }, temperature: 2 };
    const result = await run(input, { parameters: { temperature: 1, top_p: 0.5 } });
    const [seen] = upstream.seen;
    expect(seen?.path).to.equal('/v1/chat/completions');
    expect(seen?.body).to.deep.equal({ ...input, model: 'up-1', top_p: 0.5 });
    expect(seen?.headers).to.include({ authorization: `Bearer ${secret}`, 'x-org': 'defter' });
    expect(result).to.deep.equal({
      ok: true,
      output: completion('hello', { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 }),
      usage: { inputTokens: 5, outputTokens: 5 },
    });
  });

  it('asks for usage when it streams, and puts the stream together as the plain body', async () => {
    const pieces: string[] = [];
    const result = await run({ ...chat, stream_options: { x: 1 } }, { onToken: (_, text) => void pieces.push(text) });
    expect(upstream.seen[0]?.body).to.deep.include({ stream: true, stream_options: { x: 1, include_usage: true } });
    expect(pieces).to.deep.equal(Array.from('hello'));
    expect(result).to.have.deep.property('usage', { inputTokens: 5, outputTokens: 5 });
    expect(result).to.have.deep.property('output', {
      ...chunkHead,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
    });
  });

  it('puts tool calls, reasoning, refusals and unknown members together', async () => {
    const call = (index: number, members: object) => chunk({ tool_calls: [{ index, ...members }] });
    upstream.answer(
      events([
        chunk({ role: 'assistant', content: null, refusal: null }),
        chunk({ role: 'assistant', reasoning_content: 'Let me ' }),
        chunk({ role: 'assistant', reasoning_content: 'think.' }),
        call(0, { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '' } }),
        call(1, { id: 'call_b', type: 'function', function: { name: 'time', arguments: '{' } }),
        call(0, { function: { arguments: '{"city":' } }),
        call(0, { function: { arguments: '"İzmir"}' } }),
        call(1, { function: { arguments: '}' } }),
        chunk({ refusal: 'No' }),
        chunk({ refusal: '.', x_new: { grows: 'a' } }),
        chunk({ x_new: { grows: 'b' } }),
        {
          ...chunkHead,
          system_fingerprint: 'fp',
          choices: [{ index: 1, delta: { content: 'other' }, finish_reason: 'length' }],
        },
        chunk({}, 'tool_calls'),
        { ...chunkHead, choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, details: { cached: 1 } } },
      ]),
    );
    const pieces: string[] = [];
    const result = await run(chat, { onToken: (_, text) => void pieces.push(text) });
    if (!result.ok) throw new Error(result.error.message);
    expect(pieces).to.deep.equal([]);
    expect(result.output).to.deep.equal({
      ...chunkHead,
      object: 'chat.completion',
      system_fingerprint: 'fp',
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: null,
            refusal: 'No.',
            reasoning_content: 'Let me think.',
            tool_calls: [
              { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"city":"İzmir"}' } },
              { id: 'call_b', type: 'function', function: { name: 'time', arguments: '{}' } },
            ],
            x_new: { grows: 'ab' },
          },
        },
        { index: 1, finish_reason: 'length', message: { role: 'assistant', content: 'other' } },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 4, details: { cached: 1 } },
    });
  });

  it('answers text with text', async () => {
    const result = await run('merhaba', { parameters: { max_tokens: 9 } });
    expect(upstream.seen[0]?.body).to.deep.equal({
      model: 'up-1',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'merhaba' }],
    });
    expect(result).to.have.deep.property('output', { text: 'merhaba', finishReason: 'stop' });
  });

  it('tries again after 500, 409, 408 and a broken connection', async () => {
    const breakOff = (_: unknown, response: { destroy(): void }) => response.destroy();
    await restart({ retries: 4 });
    upstream.answer(json(500, {}), json(409, {}), json(408, {}), breakOff, echo);
    expect(await run(chat)).to.have.property('ok', true);
    expect(upstream.seen).to.have.length(5);
  });

  it('waits as long as Retry-After asks, within the deadline', async () => {
    upstream.answer(json(429, {}, { 'retry-after': '1' }), echo);
    const started = performance.now();
    expect(await run(chat)).to.have.property('ok', true);
    expect(performance.now() - started).to.be.at.least(995);
    upstream.answer(json(429, { error: { message: 'slow down' } }, { 'retry-after': '60' }));
    const asked = performance.now();
    expect(await errorOf(chat)).to.deep.equal({
      code: 'upstream-rate-limited',
      message: 'The upstream is limiting its rate: slow down',
      retriable: true,
    });
    expect(performance.now() - asked).to.be.below(900);
  });

  it('gives up after the retries it has, and does not retry what will not change', async () => {
    upstream.answer(json(503, { error: { message: 'overloaded' } }));
    expect(await errorOf(chat)).to.include({ code: 'upstream-failed', retriable: true });
    expect(upstream.seen).to.have.length(4);
    const cases = [
      [400, 'upstream-rejected'],
      [404, 'upstream-rejected'],
      [422, 'upstream-rejected'],
      [401, 'upstream-unauthorized'],
      [403, 'upstream-unauthorized'],
    ] as const;
    for (const [status, code] of cases) {
      upstream.seen.length = 0;
      upstream.answer(json(status, { error: { message: `refused ${secret} for ${status}` } }));
      const error = await errorOf(chat);
      expect(error).to.include({ code, retriable: false });
      if (code === 'upstream-rejected') expect(error.message).to.include(`refused *** for ${status}`);
      expect(upstream.seen).to.have.length(1);
    }
    upstream.seen.length = 0;
    upstream.answer(json(429, { error: { message: 'pay first', code: 'insufficient_quota' } }));
    expect(await errorOf(chat)).to.include({ code: 'upstream-rate-limited', retriable: false });
    expect(upstream.seen).to.have.length(1);
  });

  it('does not follow redirects', async () => {
    upstream.answer(json(307, {}, { location: `${upstream.url}/elsewhere` }));
    expect(await errorOf(chat)).to.include({ code: 'upstream-rejected', retriable: false });
    expect(upstream.seen).to.have.length(1);
  });

  it('fails, without a second try, when the connection is cut in the middle of a stream', async () => {
    upstream.answer(events([chunk({ content: 'half' })], { cut: true }));
    const pieces: string[] = [];
    const error = await errorOf(chat, { onToken: (_, text) => void pieces.push(text) });
    expect(error).to.include({ code: 'upstream-failed', retriable: true });
    expect(pieces).to.deep.equal(['half']);
    expect(upstream.seen).to.have.length(1);
  });

  it('tells a stream that ends early from one that lacks only [DONE]', async () => {
    const bare = (data: object[]) => (_: unknown, response: { end(text: string): void }) =>
      response.end(data.map((event) => `data:${JSON.stringify(event)}\r\n\r\n`).join(''));
    upstream.answer(bare([chunk({ content: 'half' })]));
    expect(await errorOf(chat, { onToken: () => undefined })).to.include({ code: 'upstream-failed' });
    upstream.answer(bare([chunk({ content: 'whole' }), chunk({}, 'stop')]));
    const result = await run('x', { onToken: () => undefined });
    expect(result).to.have.deep.property('output', { text: 'whole', finishReason: 'stop' });
  });

  it('takes an error inside a stream for what it is', async () => {
    upstream.answer(events([chunk({ content: 'a' }), { error: { message: `gone ${secret}`, code: 'server_error' } }]));
    expect(await errorOf(chat, { onToken: () => undefined })).to.deep.equal({
      code: 'upstream-failed',
      message: 'The upstream failed (500): gone ***',
      retriable: true,
    });
    upstream.answer(events([{ error: { message: 'too long', code: 400 } }]));
    expect(await errorOf(chat, { onToken: () => undefined })).to.include({ code: 'upstream-rejected' });
  });

  it('gives up at the deadline on an upstream that hangs, before its answer and in the middle', async () => {
    const hang = () => undefined;
    const trickle = events([chunk({ content: 'a' })], { end: false });
    for (const answer of [hang, trickle]) {
      upstream.answer(answer);
      const started = performance.now();
      const error = await errorOf(chat, { deadlineMs: 200, onToken: () => undefined });
      expect(error).to.include({ code: 'timeout', retriable: true });
      expect(performance.now() - started).to.be.within(190, 2_000);
    }
  });

  it('gives up on a stream that falls silent', async () => {
    await restart({ idleTimeoutMs: 300 });
    upstream.answer(events([chunk({ content: 'a' })], { end: false }));
    expect(await errorOf(chat, { onToken: () => undefined })).to.include({ code: 'timeout', retriable: true });
  });

  it('refuses malformed answers', async () => {
    for (const body of ['<html>', '[1', '{}', '{"choices":[]}', '{"choices":[{}]}', 'null']) {
      upstream.answer(json(200, body));
      expect(await errorOf(chat)).to.include({ code: 'upstream-malformed', retriable: false });
    }
    upstream.answer((_, response) => response.end('data: {"choices":[{"del\n\n'));
    expect(await errorOf(chat, { onToken: () => undefined })).to.include({ code: 'upstream-malformed' });
  });

  it('stops reading an answer that is too long, streamed or not, an error included', async () => {
    await restart({ answerBytes: 100_000, errorBytes: 1_000 });
    upstream.answer(json(200, completion('x'.repeat(200_000), {})));
    expect(await errorOf(chat)).to.include({ code: 'upstream-too-large', retriable: false });
    upstream.answer(events(Array.from({ length: 5_000 }, () => chunk({ content: 'y' }))));
    expect(await errorOf(chat, { onToken: () => undefined })).to.include({ code: 'upstream-too-large' });
    upstream.answer(json(400, { error: { message: 'z'.repeat(5_000) } }));
    expect((await errorOf(chat)).message).to.equal('The upstream rejected the request (400).');
  });

  it('says what cannot be reached', async () => {
    await upstream.close();
    expect(await errorOf(chat)).to.deep.equal({
      code: 'upstream-failed',
      message: 'The upstream cannot be reached (ECONNREFUSED).',
      retriable: true,
    });
    upstream = await openOpenAiUpstream();
  });

  it('leaves an upstream alone that keeps failing, and comes back to it', async () => {
    await restart({ retries: 0, breakAfterFailures: 3, breakMs: 100 });
    upstream.answer(json(500, {}));
    for (let n = 0; n < 3; n += 1) expect(await errorOf(chat)).to.include({ code: 'upstream-failed' });
    expect(await errorOf(chat)).to.include({ code: 'upstream-unavailable', retriable: true });
    expect(upstream.seen).to.have.length(3);
    upstream.answer(echo);
    const until = performance.now() + 5_000;
    let result = await run(chat);
    while (!result.ok && performance.now() < until) result = await run(chat);
    expect(result.ok).to.equal(true);
  });

  it('sends only so many items of a run at a time', async () => {
    await restart({ concurrentItems: 3 });
    let answered = 0;
    let most = 0;
    let waiting: (() => void)[] = [];
    // Nobody is answered before three have asked, or nobody else can.
    upstream.answer((request, response) => {
      waiting.push(() => echo(request, response));
      most = Math.max(most, waiting.length);
      if (waiting.length < 3 && answered + waiting.length < 20) return;
      answered += waiting.length;
      waiting.forEach((go) => go());
      waiting = [];
    });
    const items = Array.from({ length: 20 }, (_, n) => ({ id: `i${n}`, input: `n${n}` }));
    const results = await model.run(items, { parameters: {}, deadlineMs: 5_000 });
    expect(results.every((result) => result.ok)).to.equal(true);
    expect(most).to.equal(3);
  });
});
