import { fileURLToPath } from 'node:url';
import { createKeyedAdapters } from '../keyed-adapters.ts';
import type { ModelHost } from '../model-host/model-host.ts';
import type { ModelRuntime } from '../model-host/model-runtime.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** The folder of the models that come with the program. */
export const modelsFolder = fileURLToPath(new URL('../../models', import.meta.url));

/** A host over every runtime; each model's definition names its own. */
export async function openModels({ config, log }: AdapterOptions): Promise<Opened<ModelHost>> {
  const { openModelHost } = await import('../model-host/model-host.ts');
  const runtimes = createKeyedAdapters<ModelRuntime>({
    tensorflow: async () =>
      (await import('../model-host/tensorflow-runtime.ts')).openTensorflowRuntime({ modelsFolder, log }),
    openai: async () => (await import('../model-host/openai-runtime.ts')).openOpenAiRuntime({ log }),
  });
  return opened(openModelHost({ runtimes, memoryBudgetBytes: config.modelMemoryBytes, log }));
}
