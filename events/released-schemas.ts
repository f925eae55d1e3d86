import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('./released/', import.meta.url);

/** The Avro schema of every version of every event type that was ever released, as kept in `released/`. */
export function readReleasedSchemas(): { readonly type: string; readonly version: number; readonly schema: object }[] {
  return readdirSync(folder).flatMap((file) => {
    const [, type, version] = /^([A-Za-z]+)\.v(\d+)\.avsc$/.exec(file) ?? [];
    if (type === undefined) return [];
    const schema = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as object;
    return [{ type, version: Number(version), schema }];
  });
}
