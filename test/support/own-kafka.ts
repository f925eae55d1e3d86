// A Kafka server of a test's own, to be killed as it likes.

import { kafkaRecipe } from '../services/kafka/recipe.ts';
import { schemaRegistryRecipe } from '../services/kafka/schema-registry-recipe.ts';
import { serviceCache } from '../services/service-cache.ts';
import type { RunningService, ServiceRecipe } from '../services/service.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const openOwnKafka = () => openOwn(kafkaRecipe);
export const openOwnSchemaRegistry = () => openOwn(schemaRegistryRecipe);

async function openOwn(recipe: ServiceRecipe): Promise<RunningService & { close(): Promise<void> }> {
  const cache = serviceCache();
  await recipe.install(cache);
  const folder = await temporaryFolder();
  const server = await recipe.start({ cache, folder: folder.path });
  return {
    ...server,
    async close() {
      await server.stop();
      await folder.remove();
    },
  };
}
