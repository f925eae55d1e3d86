// `node cli/schemas.ts`: writes the Avro schema of each event type's present version to events/released/, for other
// languages and for the test that holds every later version compatible. Released files are never changed: the test fails
// if one would be.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { catalog } from '#events/catalog.ts';

const folder = fileURLToPath(new URL('../events/released/', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [type, { schema, version }] of catalog) {
  const file = `${folder}${type}.v${version}.avsc`;
  if (!existsSync(file)) writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
}
