import { openOpenAiRuntime } from '#platform/model-host/openai-runtime.ts';
import { openOpenAiUpstream } from '../support/openai-upstream.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { modelRuntimeContract } from './model-runtime.contract.ts';

modelRuntimeContract('openai', { streams: true }, async () => {
  const upstream = await openOpenAiUpstream();
  const spec = {
    key: 'test/model',
    revision: 0,
    runtime: 'openai',
    source: upstream.url,
    options: { upstreamModel: 'up', allowPrivateNetwork: true },
    secret: 'sk-test',
  };
  return {
    runtime: openOpenAiRuntime({ log: createQuietLog() }),
    spec,
    refused: [
      { spec: { ...spec, source: 'file:///etc/passwd' }, names: /http or https/ },
      { spec: { ...spec, source: 'nonsense' }, names: /http or https/ },
      { spec: { ...spec, source: 'https://user:word@host/v1' }, names: /password/ },
      { spec: { ...spec, options: {} }, names: /upstreamModel/ },
      { spec: { ...spec, options: { upstreamModel: 'm', headers: { a: 'b\r\nc: d' } } }, names: /headers/ },
      { spec: { ...spec, secret: 'sk\nx' }, names: /credential/ },
    ],
    parameters: { temperature: 0 },
    input: (n) => (n % 2 === 0 ? `text ${n}` : { prompt: `text ${n}` }),
    output: (n) => ({ text: `text ${n}`, finishReason: 'stop' }),
    rejectedInput: 'bad',
    rejectedCode: 'upstream-rejected',
    endless: { input: 'forever', parameters: {} },
    close: upstream.close,
  };
});
