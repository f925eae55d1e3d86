// Values that a JSON schema of an OpenAPI document allows, and no others, as a generator of clients' tests draws them.

import fc from 'fast-check';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly not?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** `#/components/schemas/…` is looked up in `components`. Throws for what it cannot draw from. */
export function validFromJsonSchema(
  components: Readonly<Record<string, Schema>>,
  schema: Schema,
): fc.Arbitrary<unknown> {
  const inner = (one: Schema) => validFromJsonSchema(components, one);
  if (schema.$ref !== undefined) return inner(components[schema.$ref.split('/').at(-1) ?? ''] as Schema);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) return fc.oneof(...alternatives.map(inner));
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type: string) => inner({ ...schema, type })));
  switch (schema.type) {
    case 'string':
      return textOf(schema);
    case 'integer':
      return fc.integer({ min: Math.max(schema.minimum ?? -1e9, -1e9), max: Math.min(schema.maximum ?? 1e9, 1e9) });
    case 'number':
      return fc.double({
        noNaN: true,
        noDefaultInfinity: true,
        min: schema.minimum ?? -1e9,
        max: schema.maximum ?? 1e9,
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array': {
      const bounds = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 4, 4) };
      const items = inner(schema.items ?? {});
      return schema.uniqueItems ? fc.uniqueArray(items, bounds) : fc.array(items, bounds);
    }
    case 'object':
      return objectOf(schema, inner);
    case undefined:
      return fc.jsonValue({ maxDepth: 2 });
    default:
      throw new Error(`cannot draw from ${JSON.stringify(schema)}`);
  }
}

function objectOf(schema: Schema, inner: (one: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const { minProperties = 0 } = schema;
  return anyObjectOf(schema, inner).filter((one) => Object.keys(one).length >= minProperties);
}

function anyObjectOf(schema: Schema, inner: (one: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const { properties = {}, required = [], additionalProperties, propertyNames, maxProperties = 4 } = schema;
  const may = Object.entries(properties).filter(([, one]) => !one.not);
  const known = fc.record(Object.fromEntries(may.map(([name, one]) => [name, inner(one)])), {
    requiredKeys: [...required],
  });
  if (additionalProperties === undefined || additionalProperties === false) return known;
  const names = textOf(propertyNames ?? { maxLength: 10 }).filter((name) => !(name in properties));
  const values = additionalProperties === true ? fc.jsonValue({ maxDepth: 2 }) : inner(additionalProperties);
  const others = fc.dictionary(names, values, { maxKeys: Math.min(maxProperties, 4) });
  return fc.tuple(others, known).map(([some, own]) => ({ ...some, ...own }));
}

function textOf({ pattern, format, minLength = 0, maxLength = Infinity }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (format === 'email') return fc.emailAddress();
  if (format === 'uri') return fc.webUrl({ validSchemes: ['http', 'https'] });
  if (pattern === undefined)
    return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, Math.max(minLength, 50)) });
  // A pattern in JSON Schema is a Unicode regular expression.
  return fc
    .stringMatching(new RegExp(pattern, 'u'), { size: 'small' })
    .filter((text) => lengthOf(text) >= minLength && lengthOf(text) <= maxLength);
}

/** JSON Schema counts code points. */
const lengthOf = (text: string) => Array.from(text).length;
