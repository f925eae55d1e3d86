// Values for fuzzing, from the JSON schemas of an OpenAPI document: near what a schema asks, and now and then far from it.

import fc from 'fast-check';

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

export interface OpenApiOperation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: JsonSchema }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;
  };
}

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, '', 0, -1, 1e308, true, [], {}, '\u0000', '\ud800', 'x'.repeat(5_000), '../..', '__proto__'),
);
const nearText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
  fc.constantFrom('language-id', 'tiny-writer', 'https://upstream.example/v1', '2099-01-01T00:00:00Z', 'env:HOME'),
);

/** One in six values is nothing like the schema. */
export function fromJsonSchema(document: OpenApiDocument, schema: JsonSchema, depth = 0): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 5, arbitrary: near(document, schema, depth) }, { weight: 1, arbitrary: anything });
}

function near(document: OpenApiDocument, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const inner = (one: JsonSchema) => fromJsonSchema(document, one, depth + 1);
  if (depth > 6) return anything;
  if (schema.$ref !== undefined)
    return near(document, document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, depth + 1);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const alternatives = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (alternatives) return fc.oneof(...alternatives.map((one) => near(document, one, depth + 1)));
  if (schema.properties)
    return fc.record(Object.fromEntries(Object.entries(schema.properties).map(([name, one]) => [name, inner(one)])), {
      requiredKeys: [],
    });
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'string':
      return nearText;
    case 'integer':
      return fc.integer({ min: (schema.minimum ?? 0) - 1, max: Math.min(schema.maximum ?? 1_000, 1e9) + 1 });
    case 'number':
      return fc.double();
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(inner(schema.items ?? {}), { maxLength: 4 });
    case 'object':
      return fc.dictionary(nearText, anything, { maxKeys: 4 });
    default:
      return anything;
  }
}
