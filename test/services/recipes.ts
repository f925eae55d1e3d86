import type { ServiceName, ServiceRecipe } from './service.ts';

/** Loaded one by one, so that a person who wants one server needs only its recipe. */
export const recipes: Readonly<Partial<Record<ServiceName, () => Promise<ServiceRecipe>>>> = {
  eventstore: async () => (await import('./eventstore/recipe.ts')).eventStoreRecipe,
  kafka: async () => (await import('./kafka/recipe.ts')).kafkaRecipe,
  'schema-registry': async () => (await import('./kafka/schema-registry-recipe.ts')).schemaRegistryRecipe,
  redis: async () => (await import('./redis/recipe.ts')).redisRecipe,
  elasticsearch: async () => (await import('./elasticsearch/recipe.ts')).elasticsearchRecipe,
  s3: async () => (await import('./s3/recipe.ts')).s3Recipe,
  chroma: async () => (await import('./chroma/recipe.ts')).chromaRecipe,
};
