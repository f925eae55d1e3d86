import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { type Api, createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { logHead } from '../support/log-head.ts';
import {
  type Answer,
  echo,
  events,
  json,
  type OpenAiUpstream,
  openOpenAiUpstream,
} from '../support/openai-upstream.ts';
import { startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeFlow } from './with-defter.ts';

interface Inference {
  readonly id: string;
  readonly status: string;
  readonly input: unknown;
  readonly parameters: Record<string, unknown>;
  readonly output: Record<string, unknown> | null;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const SECRET = 'sk-upstream-secret-0123456789';
const say = (content: string) => [{ role: 'user', content }];

describeFlow(
  'an upstream model',
  (flow) => {
    let upstream: OpenAiUpstream;
    before(async () => {
      upstream = await openOpenAiUpstream();
      const { api } = flow();
      const credential = await api<{ id: string }>('POST', '/v1/credentials', {
        body: { name: 'upstream', kind: 'openai', value: SECRET },
      });
      const made = await api('PUT', '/v1/models/chat', {
        body: { runtime: 'openai', source: upstream.url, upstreamModel: 'up-1', credentialId: credential.body.id },
      });
      expect(made.status).to.equal(201);
    });
    beforeEach(() => {
      upstream.seen.length = 0;
      upstream.answer(echo);
    });
    after(() => upstream.close());

    const submit = async (body: object, api: Api = flow().api) => {
      const accepted = await api<{ id: string }>('POST', '/v1/inferences', { body });
      expect(accepted.status, JSON.stringify(accepted.body)).to.equal(202);
      return accepted.body.id;
    };
    const ended = async (id: string, api: Api = flow().api) =>
      (await api<Inference>('GET', `/v1/inferences/${id}?wait=30s`)).body;
    const run = async (body: object) => ended(await submit(body));

    it('is given a chat whole, with members that Defter does not know, and its credential', async () => {
      const asked = {
        messages: [{ role: 'system', content: 'be brief', weight: 3 }, ...say('hello there')],
        temperature: 0.25,
        tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
        response_format: { type: 'json_object' },
        invented_by_them: { deep: [1, { er: null }] },
      };
      const done = await run({ model: 'chat', ...asked });
      expect(done).to.include({ status: 'completed', error: null });
      expect(upstream.seen).to.have.length(1);
      const [{ body, headers, path } = { body: {}, headers: {}, path: '' }] = upstream.seen;
      expect(path).to.equal('/v1/chat/completions');
      expect(headers['authorization']).to.equal(`Bearer ${SECRET}`);
      expect(body).to.deep.include({ ...asked, model: 'up-1' });
      const [choice] = (done.output ?? {})['choices'] as { message: object; finish_reason: string }[];
      expect(choice?.message).to.deep.include({ role: 'assistant', content: 'hello there' });
      expect(choice?.finish_reason).to.equal('stop');
      expect(done.usage).to.deep.equal({ inputTokens: 11, outputTokens: 11 });
    });

    it('has chats that are found by what was asked and answered, behind whatever stands before it', async () => {
      const parts = [
        { type: 'image_url', image_url: { url: `data:image/png;base64,${'QUJD'.repeat(20_000)}` } },
        { type: 'text', text: 'which sunflower is this' },
      ];
      const tools = [{ type: 'function', function: { name: 'f', description: 'gardening '.repeat(9_000) } }];
      const messages = [
        { role: 'system', content: 'verbose instruction '.repeat(3_000) },
        { role: 'user', content: parts },
      ];
      upstream.answer((request, response) =>
        echo({ ...request, body: { ...request.body, messages: say('Helianthus') } }, response),
      );
      const id = await submit({ model: 'chat', tools, messages });
      expect(await ended(id)).to.include({ status: 'completed' });
      const found = async (q: string) => {
        const { body } = await flow().api<{ data: Inference[] }>('GET', `/v1/inferences?limit=100&q=${q}`);
        return body.data.map((one) => one.id);
      };
      await eventually(async () => expect(await found('sunflower')).to.deep.equal([id]));
      expect(await found('helianthus')).to.deep.equal([id]);
      expect(await found('verbose+sunflower')).to.deep.equal([id]);
      for (const word of ['assistant', 'gardening', 'png', 'function', 'completion']) {
        expect(await found(word), word).to.deep.equal([]);
      }
    });

    it('is given a plain input as one message, with the defaults that were set', async () => {
      const { api } = flow();
      await api('PUT', '/v1/models/chat/defaults', { body: { temperature: 0.5, top_p: 0.9 } });
      const done = await run({ model: 'chat', input: 'plain', parameters: { temperature: 1 } });
      expect(done.output).to.deep.equal({ text: 'plain', finishReason: 'stop' });
      expect(done.parameters).to.deep.equal({ temperature: 1, top_p: 0.9 });
      expect(upstream.seen[0]?.body).to.deep.include({ messages: say('plain'), temperature: 1, top_p: 0.9 });
      await api('PUT', '/v1/models/chat/defaults', { body: {} });
    });

    it('streams its tokens as they come', async () => {
      const { url, key } = flow();
      let stream: ServerResponse | undefined;
      upstream.answer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        stream = response;
      });
      const id = await submit({ model: 'chat', messages: say('go') });
      await eventually(() => expect(stream).not.to.equal(undefined));
      const chunk = (delta: object, finish_reason: string | null = null) =>
        stream?.write(`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
      const following = await fetch(`${url}/v1/inferences/${id}/events`, {
        headers: { authorization: `Bearer ${key}` },
      });
      const reader = following.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      const until = async (part: string) => {
        while (!text.includes(part)) {
          const { value, done } = (await reader?.read()) ?? { done: true };
          if (done) throw new Error(`the stream ended without ${part}: ${text}`);
          text += value;
        }
      };
      // Each is read before the next is sent: nothing is held back.
      chunk({ role: 'assistant', content: 'Mer' });
      await until('{"text":"Mer"}');
      chunk({ content: 'haba' });
      await until('{"text":"haba"}');
      chunk({}, 'stop');
      stream?.end('data: [DONE]\n\n');
      await until('event: end');
      expect((await ended(id)).output).to.have.nested.property('choices[0].message.content', 'Merhaba');
    });

    it('that refuses ends the inference as failed, once asked, with what it said', async () => {
      const done = await run({ model: 'chat', messages: say('bad') });
      expect(done).to.include({ status: 'failed', output: null });
      expect(done.error).to.deep.equal({
        code: 'upstream-rejected',
        message: 'The upstream rejected the request (400): I will not repeat that',
      });
      expect(upstream.seen).to.have.length(1);
      upstream.answer(json(401, { error: { message: `wrong key ${SECRET}` } }));
      const unauthorized = await run({ model: 'chat', messages: say('x') });
      expect(unauthorized.error?.code).to.equal('upstream-unauthorized');
      expect(JSON.stringify(unauthorized)).not.to.include(SECRET);
      upstream.answer((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: nonsense\n\n');
      });
      expect((await run({ model: 'chat', messages: say('x') })).error?.code).to.equal('upstream-malformed');
      upstream.answer(events([{ choices: [{ index: 0, delta: { content: 'half' } }] }], { cut: true }));
      expect((await run({ model: 'chat', messages: say('x') })).error?.code).to.equal('upstream-failed');
    });

    it('that fails for a moment is asked again', async () => {
      upstream.answer(json(503, { error: { message: 'busy' } }), json(429, {}, { 'retry-after': '0' }), echo);
      const done = await run({ model: 'chat', messages: say('patience') });
      expect(done.status).to.equal('completed');
      expect(upstream.seen).to.have.length(3);
      const [first, ...again] = upstream.seen.map(({ body }) => body);
      for (const body of again) expect(body).to.deep.equal(first);
    });

    it('that keeps failing ends the inference as failed', async () => {
      upstream.answer(json(500, { error: { message: 'down' } }));
      const done = await run({ model: 'chat', messages: say('x') });
      expect(done.error).to.deep.equal({ code: 'upstream-failed', message: 'The upstream failed (500): down' });
      expect(upstream.seen).to.have.length(4);
    });

    it('that takes longer than the model may is given up', async () => {
      const { api } = flow();
      await api('PUT', '/v1/models/hasty', { body: { runtime: 'openai', source: upstream.url, timeoutMs: 300 } });
      const done = await run({ model: 'hasty', messages: say('forever') });
      expect(done.error?.code).to.equal('timeout');
    });

    it('is let go when the inference is cancelled, and does not hold up others meanwhile', async () => {
      const { api } = flow();
      const closed: Promise<unknown>[] = [];
      const hang: Answer = (request, response) => {
        closed.push(once(response, 'close'));
        echo(request, response);
      };
      upstream.answer(hang, echo);
      const id = await submit({ model: 'chat', messages: say('forever') });
      await eventually(() => expect(closed).to.have.length(1));
      expect((await run({ model: 'chat', messages: say('meanwhile') })).status).to.equal('completed');
      expect((await api<Inference>('GET', `/v1/inferences/${id}`)).body.status).to.equal('running');
      expect((await api('DELETE', `/v1/inferences/${id}`)).status).to.equal(200);
      await closed[0];
      expect((await ended(id)).status).to.equal('cancelled');
    });

    it('whose credential was deleted fails the inference and says so', async () => {
      const { api } = flow();
      const stored = await api<{ id: string }>('POST', '/v1/credentials', {
        body: { name: 'brief', kind: 'openai', value: SECRET },
      });
      await api('PUT', '/v1/models/orphan', {
        body: { runtime: 'openai', source: upstream.url, credentialId: stored.body.id },
      });
      await api('DELETE', `/v1/credentials/${stored.body.id}`);
      const done = await run({ model: 'orphan', messages: say('x') });
      expect(done.status).to.equal('failed');
      expect(done.error?.message).to.include(stored.body.id);
      expect(upstream.seen).to.have.length(0);
    });

    it('registered anew is called at its new place with its new credential', async () => {
      const { api } = flow();
      const other = await openOpenAiUpstream();
      try {
        await api('PUT', '/v1/models/moving', { body: { runtime: 'openai', source: upstream.url } });
        await run({ model: 'moving', messages: say('one') });
        await api('PUT', '/v1/models/moving', { body: { runtime: 'openai', source: other.url } });
        await run({ model: 'moving', messages: say('two') });
        expect([upstream.seen.length, other.seen.length]).to.deep.equal([1, 1]);
        expect(other.seen[0]?.headers).not.to.have.property('authorization');
      } finally {
        await other.close();
      }
    });
  },
  { env: { ALLOW_PRIVATE_UPSTREAMS: 'on' } },
);

describeFlow('a private upstream', (flow) => {
  it('is refused to tenants, however it is written', async () => {
    const { api } = await flow().newTenant('Insiders');
    const hosts = [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '0',
      '2130706433',
      '0x7f.1',
      '10.1.2.3',
      '192.168.0.1',
      '169.254.169.254',
    ];
    const holdingIpv4 = ['[::127.0.0.1]', '[::ffff:127.0.0.1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]'];
    const names = ['localhost.', 'models.localhost', 'models.localhost.'];
    for (const host of [...hosts, ...names, ...holdingIpv4, '[2002:7f00:1::]', '[fe80::1]', '[fd00::1]'])
      expectProblem(
        await api('PUT', '/v1/models/inside', { body: { runtime: 'openai', source: `http://${host}:9/v1` } }),
        422,
        'invalid-request',
        '/source',
      );
  });
});

describe('discovery', function () {
  this.timeout(60_000);

  it('registers what Ollama and the OpenAI account serve, names it in the banner, and once only', async () => {
    const [ollama, account] = [await openOpenAiUpstream(), await openOpenAiUpstream()];
    const folder = await temporaryFolder();
    const serving =
      (...names: string[]): Answer =>
      (request, response) =>
        request.path === '/v1/models'
          ? json(200, { object: 'list', data: names.map((id) => ({ id, object: 'model' })) })(request, response)
          : echo(request, response);
    ollama.answer(serving('llama3:8b', 'org/small', 'no good name!'));
    account.answer(serving('gpt-x', 'gpt-y', 'llama3:8b'));
    const env = {
      DISCOVER: 'on',
      CHECK_ANSWERS: 'on',
      OLLAMA_URL: ollama.url,
      OPENAI_UPSTREAM_URL: account.url,
      OPENAI_API_KEY: SECRET,
    };
    try {
      const first = await startDefter(folder.path, env);
      let api = createApi(first.url, first.key);
      try {
        expect(first.printed()).to.match(/Models found at Ollama: llama3:8b, org\/small\n/);
        expect(first.printed()).to.match(/Models found at 127\.0\.0\.1:\d+: gpt-x, gpt-y\n/);
        expect(first.printed()).not.to.include(SECRET);
        expect(account.seen[0]?.headers['authorization']).to.equal(`Bearer ${SECRET}`);
        expect(ollama.seen[0]?.headers).not.to.have.property('authorization');
        const { data } = (await api<{ data: { id: string; owned_by: string }[] }>('GET', '/v1/models')).body;
        expect(data.filter(({ owned_by }) => owned_by === 'platform').map(({ id }) => id)).to.have.members([
          'language-id',
          'tiny-writer',
          'llama3:8b',
          'org/small',
          'gpt-x',
          'gpt-y',
        ]);
        for (const [model, upstream, bearer] of [
          ['org/small', ollama, undefined],
          ['gpt-x', account, `Bearer ${SECRET}`],
        ] as const) {
          const body = { model, messages: say('found') };
          const { id } = (await api<{ id: string }>('POST', '/v1/inferences', { body })).body;
          expect((await api('GET', `/v1/inferences/${id}?wait=30s`)).body).to.include({ status: 'completed' });
          expect(upstream.seen.at(-1)?.headers['authorization']).to.equal(bearer);
          expect(upstream.seen.at(-1)?.body).to.include({ model });
        }
        // An account that someone pays for is not every tenant's.
        const tenant = await api<{ id: string }>('POST', '/v1/tenants', { body: { name: 'Guests' } });
        const issued = await api<{ key: string }>('POST', '/v1/api-keys', {
          body: { name: 'g', tenantId: tenant.body.id },
        });
        const guest = createApi(first.url, issued.body.key);
        expectProblem(await guest('GET', '/v1/models/gpt-x'), 404, 'model-not-found');
        expect((await guest('GET', '/v1/models/org/small')).status).to.equal(200);
      } finally {
        expect(await first.stop()).to.equal(0);
      }

      const before = logHead(folder.path);
      const second = await startDefter(folder.path, { ...env, API_KEY: first.key });
      expect(second.printed()).to.include('llama3:8b');
      expect(await second.stop()).to.equal(0);
      expect(logHead(folder.path)).to.equal(before);

      await ollama.close();
      const third = await startDefter(folder.path, { ...env, API_KEY: first.key });
      api = createApi(third.url, first.key);
      expect(third.printed()).not.to.include('Ollama');
      expect((await api('GET', '/v1/models/org/small')).status).to.equal(200);
      expect(await third.stop()).to.equal(0);
      expect(logHead(folder.path)).to.equal(before);
    } finally {
      await Promise.all([ollama.close().catch(() => undefined), account.close()]);
      await folder.remove();
    }
  });
});
