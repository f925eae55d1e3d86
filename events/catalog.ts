// Every event type that this program can write, its schema and its present version.

import { apiKeyEvents } from './api-key.ts';
import type { RecordSchema } from './avro.ts';
import { credentialEvents } from './credential.ts';
import { inferenceEvents } from './inference.ts';
import { modelEvents } from './model.ts';
import { projectionEvents } from './projection.ts';
import { tenantNameEvents } from './tenant-name.ts';
import { tenantEvents } from './tenant.ts';

export interface EventType {
  readonly schema: RecordSchema;
  /** Goes up by one whenever the schema changes; older events are upcast when read. */
  readonly version: number;
}

const schemas: Readonly<Record<string, RecordSchema>> = {
  ...tenantEvents,
  ...tenantNameEvents,
  ...apiKeyEvents,
  ...credentialEvents,
  ...modelEvents,
  ...inferenceEvents,
  ...projectionEvents,
};

/** Types whose schema has changed since their first release. */
const versions: Readonly<Record<string, number>> = {};

export const catalog: ReadonlyMap<string, EventType> = new Map(
  Object.entries(schemas).map(([type, schema]) => [type, { schema, version: versions[type] ?? 1 }]),
);
