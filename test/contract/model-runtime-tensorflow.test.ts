import { openTensorflowRuntime } from '#platform/model-host/tensorflow-runtime.ts';
import { writeModelFixtures } from '../support/model-fixtures.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { modelRuntimeContract } from './model-runtime.contract.ts';

const spec = { key: 'test/model', revision: 0, runtime: 'tensorflow', source: 'echo', options: {} };

const refused = [
  { spec: { ...spec, source: 'absent' }, names: /absent: manifest\.json is missing/ },
  { spec: { ...spec, source: '../outside' }, names: /not a folder inside/ },
];

modelRuntimeContract('tensorflow, a generator', { streams: true }, async () => {
  const fixtures = await writeModelFixtures();
  return {
    runtime: openTensorflowRuntime({ modelsFolder: fixtures.folder, log: createQuietLog() }),
    spec,
    refused,
    parameters: {},
    input: (n) => `text ${n}`,
    output: (n) => ({ text: `text ${n}`, finishReason: 'stop' }),
    rejectedInput: 'bad',
    rejectedCode: 'model-failed',
    endless: { input: 'abc', parameters: { forever: true } },
    close: fixtures.remove,
  };
});

modelRuntimeContract('tensorflow, a classifier', { streams: false }, async () => {
  const fixtures = await writeModelFixtures();
  return {
    runtime: openTensorflowRuntime({ modelsFolder: fixtures.folder, log: createQuietLog() }),
    spec: { ...spec, source: 'letters' },
    refused,
    parameters: { kept: 1 },
    input: (n) => `b${'a'.repeat(n % 3)}`,
    output: (n) => ({ label: n % 3 === 0 ? 'b' : 'a', counts: [n % 3, 1], kept: 1 }),
    rejectedInput: 'bad',
    rejectedCode: 'model-failed',
    close: fixtures.remove,
  };
});
