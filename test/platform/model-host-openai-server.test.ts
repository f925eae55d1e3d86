// The openai runtime against a real server, wherever OPENAI_TEST_URL names one (its base URL, ending in /v1).

import { expect } from 'chai';
import { discoverOpenAi } from '#platform/model-host/discover-openai.ts';
import { openOpenAiRuntime } from '#platform/model-host/openai-runtime.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const source = process.env['OPENAI_TEST_URL'];
const required = (process.env['REQUIRE_SERVICES'] ?? '').split(',').includes('openai-upstream');
const missing = 'no OpenAI-compatible server: set OPENAI_TEST_URL to its base URL';

describe('openai runtime with a real server', function () {
  this.timeout(120_000);

  it('streams, answers whole, and is cancelled', async function () {
    if (source === undefined) {
      if (required) throw new Error(missing);
      console.log(`      skipped, ${missing}`);
      return this.skip();
    }
    const log = createQuietLog();
    const [upstreamModel] = (await discoverOpenAi({ baseUrl: source, timeoutMs: 5_000, log })) ?? [];
    expect(upstreamModel, log.lines.join('\n')).to.be.a('string');
    const runtime = openOpenAiRuntime({ log });
    const model = await runtime.load({
      key: 'k',
      revision: 0,
      runtime: 'openai',
      source,
      options: { upstreamModel, allowPrivateNetwork: true },
    });
    const parameters = { temperature: 0, seed: 1, max_tokens: 16 };
    const run = { parameters, deadlineMs: 60_000 };
    const input = { messages: [{ role: 'user', content: 'Name the capital of France.' }] };
    const [plain] = await model.run([{ id: 'i', input }], run);
    let text = '';
    const [streamed] = await model.run([{ id: 'i', input }], { ...run, onToken: (_, piece) => void (text += piece) });
    if (!plain?.ok || !streamed?.ok) throw new Error(JSON.stringify([plain, streamed]));
    expect(plain.output).to.have.nested.property('choices[0].message.content').that.is.not.equal('');
    expect(streamed.output).to.have.nested.property('choices[0].message.content', text);
    expect(streamed.output).to.have.nested.property('choices[0].finish_reason');
    expect(streamed.output).to.have.property('object', 'chat.completion');
    expect(streamed.usage).to.deep.equal(plain.usage);
    expect(plain.usage.outputTokens).to.be.within(1, 16);

    const cancel = new AbortController();
    const results = await model.run([{ id: 'i', input: 'Write a long story.' }], {
      parameters: { max_tokens: 1_000 },
      deadlineMs: 60_000,
      signals: new Map([['i', cancel.signal]]),
      onToken: () => cancel.abort(),
    });
    expect(results).to.have.nested.property('[0].error.code', 'cancelled');
    await runtime.close();
  });
});
