import { catalog } from '#events/catalog.ts';
import { topicOf } from '#events/streams.ts';
import { upcast } from '#events/upcast.ts';
import type { EventLanguage } from '#platform/platform.ts';

export const eventLanguage: EventLanguage = { types: catalog, upcast: (event) => upcast(event), topicOf };
