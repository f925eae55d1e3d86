// How an index lies in Elasticsearch: every field named, nothing guessed, no analysis but splitting at white space. The
// positions of its projections are one document of the same index, so that they can never outlive the documents.

import type { estypes } from '@elastic/elasticsearch';
import { fieldsOf, shapeOf } from './index-shape.ts';
import type { FieldKind, IndexDefinition } from './search-index.ts';

/** Raised with every change of what is below: an index made by an older program is built anew. */
const mappingVersion = 1;

export interface IndexSettings {
  /** Default 1, which keeps counts cheap to be exact. Fixed once the index is made. */
  readonly shards?: number;
  /** Copies of each shard; default one where the cluster has a second node. */
  readonly replicas?: number;
}

export const sourceField = (field: string) => `f_${field}`;

/** Whether there is text, which is found and never given back. */
export const hasText = (index: IndexDefinition) => fieldsOf(index, 'text').length > 0;

/** No document has this id: ids have no control characters. */
export const positionsId = '\u0001positions';

const kinds: Readonly<Record<FieldKind, estypes.MappingProperty>> = {
  keyword: { type: 'keyword' },
  code: { type: 'keyword' },
  number: { type: 'double' },
  text: { type: 'text', analyzer: 'whitespace', index_options: 'docs', norms: false },
};

function propertiesOf(index: IndexDefinition): Record<string, estypes.MappingProperty> {
  return {
    id: { type: 'keyword' },
    rev: { type: 'long', index: false },
    digest: { type: 'keyword', index: false },
    deleted: { type: 'boolean' },
    positions: { type: 'object', enabled: false },
    ...Object.fromEntries(Object.entries(index.fields).map(([field, kind]) => [sourceField(field), kinds[kind]])),
  };
}

/** The body that makes the index, and its alias: writes name the alias, so that none of them ever makes an index. */
export function toIndexBody(
  index: IndexDefinition,
  alias: string,
  { shards = 1, replicas }: IndexSettings,
): Omit<estypes.IndicesCreateRequest, 'index'> {
  const texts = fieldsOf(index, 'text').map(sourceField);
  return {
    aliases: { [alias]: { is_write_index: true } },
    settings: {
      number_of_shards: shards,
      ...(replicas === undefined ? { auto_expand_replicas: '0-1' as const } : { number_of_replicas: replicas }),
      // Named, though they are the defaults: an interval that is not named stops while nobody searches.
      refresh_interval: '1s',
      translog: { durability: 'request' },
    },
    mappings: {
      dynamic: 'strict',
      // Text is found, never shown.
      ...(texts.length > 0 && { _source: { excludes: texts } }),
      _meta: { version: mappingVersion, shape: JSON.stringify(shapeOf(index)) },
      properties: propertiesOf(index),
    },
  };
}

/** Whether what the server has is what `toIndexBody` makes, as far as documents depend on it. */
export function hasShape(found: estypes.IndicesIndexState, index: IndexDefinition, alias: string): boolean {
  const { mappings, aliases } = found;
  const { mappings: own } = toIndexBody(index, alias, {});
  return (
    aliases?.[alias] !== undefined &&
    mappings?.dynamic === own?.dynamic &&
    same(mappings?._meta, own?._meta) &&
    same(mappings?.properties, own?.properties)
  );
}

/** Whether the server may forget what it acknowledged. */
export function isForgetful({ settings }: estypes.IndicesIndexState): boolean {
  const durability = settings?.index?.translog?.durability;
  return durability !== undefined && durability !== 'request';
}

const same = (a: unknown, b: unknown) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, inner]) => [name, sorted(inner)]);
}
