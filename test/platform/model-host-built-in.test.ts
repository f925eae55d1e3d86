// The built-in models through the host, as the workers run them.

import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createKeyedAdapters } from '#platform/keyed-adapters.ts';
import { type ModelHost, openModelHost } from '#platform/model-host/model-host.ts';
import { openTensorflowRuntime } from '#platform/model-host/tensorflow-runtime.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const modelsFolder = fileURLToPath(new URL('../../models', import.meta.url));

describe('built-in models in the model host', function () {
  this.timeout(60_000);
  let host: ModelHost;

  before(() => {
    const log = createQuietLog();
    const runtimes = createKeyedAdapters({ tensorflow: async () => openTensorflowRuntime({ modelsFolder, log }) });
    host = openModelHost({ runtimes, memoryBudgetBytes: 512_000_000, log });
  });
  after(() => host.close());

  const specOf = (source: string) => ({
    key: `platform/${source}`,
    revision: 0,
    runtime: 'tensorflow',
    source,
    options: {},
  });

  it('language-id says the language of each text of a batch', async () => {
    const texts = {
      tr: 'Bugün hava çok güzel, öğleden sonra denize gidelim mi?',
      en: 'The weather is lovely today, shall we go to the sea this afternoon?',
      de: 'Das Wetter ist heute sehr schön, wollen wir nachmittags ans Meer fahren?',
    };
    const items = Object.entries(texts).map(([id, input]) => ({ id, input }));
    const results = await host.run(specOf('language-id'), items, { parameters: {}, deadlineMs: 30_000 });
    for (const [place, { id, input }] of items.entries()) {
      expect(results[place]).to.have.nested.property('output.label', id);
      expect(results[place]).to.have.deep.property('usage', { inputTokens: input.length, outputTokens: 0 });
    }
  });

  it('tiny-writer writes the same text for the same seed, and streams it', async () => {
    const parameters = { temperature: 0.8, max_tokens: 60, seed: 7 };
    const run = async () => {
      let streamed = '';
      const [result] = await host.run(specOf('tiny-writer'), [{ id: 'i', input: 'The sea was' }], {
        parameters,
        deadlineMs: 30_000,
        onToken: (_, text) => void (streamed += text),
      });
      if (!result?.ok) throw new Error(result?.error.message);
      const { text } = result.output as { text: string };
      expect(streamed).to.equal(text);
      expect(text).to.have.length(60);
      expect(result.usage).to.deep.equal({ inputTokens: 11, outputTokens: 60 });
      return text;
    };
    expect(await run()).to.equal(await run());
  });
});
