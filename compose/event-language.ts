import { categoriesOf, partitionKeyOf, topicOf, topics, typesOf } from '#events/aggregates.ts';
import { catalog } from '#events/catalog.ts';
import { readReleasedSchemas } from '#events/released-schemas.ts';
import { upcast } from '#events/upcast.ts';
import type { EventLanguage } from '#platform/event-language.ts';

export const eventLanguage: EventLanguage = {
  types: catalog,
  upcast: (event) => upcast(event),
  typesOf,
  topicOf,
  categoriesOf,
  partitionKeyOf,
  topics,
  released: readReleasedSchemas,
};
