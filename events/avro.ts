// Avro schemas as literals, and the TypeScript type of each inferred from it, so that neither can drift from the other.
// https://avro.apache.org/docs/1.11.1/specification/

type Primitive = 'null' | 'boolean' | 'int' | 'long' | 'double' | 'string';

export type AvroSchema =
  | Primitive
  | { readonly type: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly type: 'array'; readonly items: AvroSchema }
  | { readonly type: 'map'; readonly values: AvroSchema }
  | RecordSchema
  | readonly AvroSchema[];

export interface Field {
  readonly name: string;
  readonly type: AvroSchema;
  readonly doc?: string;
  readonly default?: unknown;
}

export interface RecordSchema {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly fields: readonly Field[];
}

interface PrimitiveTypes {
  null: null;
  boolean: boolean;
  int: number;
  long: number;
  double: number;
  string: string;
}

/** The TypeScript type of the values of a record with these fields. */
export type FieldTypes<Fields extends readonly Field[]> = Fields extends readonly []
  ? Readonly<Record<string, never>>
  : { readonly [F in Fields[number] as F['name']]: FromAvro<F['type']> };

/** The TypeScript type of the values that an Avro schema describes. Longs are JavaScript numbers: keep them under 2^53. */
export type FromAvro<S> = S extends Primitive
  ? PrimitiveTypes[S]
  : S extends { type: 'enum'; symbols: readonly (infer Symbol)[] }
    ? Symbol
    : S extends { type: 'array'; items: infer Items }
      ? readonly FromAvro<Items>[]
      : S extends { type: 'map'; values: infer Values }
        ? { readonly [key: string]: FromAvro<Values> }
        : S extends { type: 'record'; fields: infer Fields extends readonly Field[] }
          ? FieldTypes<Fields>
          : S extends readonly (infer Branch)[]
            ? FromAvro<Branch>
            : never;
