import { z, type ZodType } from 'zod';

export type Json = Record<string, unknown>;

/** Gathers the JSON schemas of a document: those with an id once under `components`, the rest in place. */
export interface JsonSchemas {
  /** What a body or parameter must be (`input`), or what an answer is (`output`). */
  of(schema: ZodType, io: 'input' | 'output'): Json;
  readonly components: Readonly<Record<string, Json>>;
}

export function createJsonSchemas(): JsonSchemas {
  const components: Record<string, Json> = {};
  const fingerprints = new Map<string, string>();

  /** The name under which this shape stands; one id may have two shapes, as it goes in and as it comes out. */
  const nameOf = (id: string, fingerprint: string, io: 'input' | 'output'): string => {
    const taken = fingerprints.get(id) ?? fingerprint;
    const name = taken === fingerprint ? id : `${id}${capital(io)}`;
    fingerprints.set(name, fingerprint);
    return name;
  };

  const of = (schema: ZodType, io: 'input' | 'output'): Json => {
    const override = (context: OverrideContext) => refine(context, io);
    const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, { io, override, unrepresentable: 'any' });
    const definitions = $defs as Readonly<Record<string, Json>>;
    const ids = Object.keys(definitions);
    const names = new Map(ids.map((id) => [id, nameOf(id, fingerprintOf(id, definitions), io)]));
    for (const id of ids) components[names.get(id) ?? id] = moveReferences(definitions[id], names);
    return moveReferences(root, names);
  };
  return { of, components };
}

/** The shape together with all shapes that it refers to. */
function fingerprintOf(id: string, definitions: Readonly<Record<string, Json>>, seen = new Set<string>()): string {
  if (seen.has(id)) return '';
  seen.add(id);
  const text = JSON.stringify(definitions[id]);
  const inner = [...text.matchAll(/"#\/\$defs\/(\w+)"/g)].map(([, name]) =>
    fingerprintOf(name ?? '', definitions, seen),
  );
  return [text, ...inner].join();
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

interface OverrideContext {
  readonly zodSchema: z.core.$ZodType;
  readonly jsonSchema: Json;
}

/** Says a parameter as it is meant rather than as it is read: `meta.openapi` replaces what zod derives. */
function refine({ zodSchema, jsonSchema }: OverrideContext, io: 'input' | 'output'): void {
  const meta = z.globalRegistry.get(zodSchema as ZodType);
  if (meta?.['openapi'] !== undefined) {
    for (const key of Object.keys(jsonSchema)) if (key !== 'description') delete jsonSchema[key];
    Object.assign(jsonSchema, meta['openapi']);
  }
  delete jsonSchema['openapi'];
  delete jsonSchema['id'];
  // Answers may gain members, so a client must not refuse those that it does not know.
  if (io === 'output' && jsonSchema['additionalProperties'] === false) delete jsonSchema['additionalProperties'];
  if (jsonSchema['format'] === 'date-time') delete jsonSchema['pattern'];
}

function moveReferences(value: unknown, names: ReadonlyMap<string, string>): Json {
  return JSON.parse(JSON.stringify(value), (key, member: unknown) => {
    if (key !== '$ref' || typeof member !== 'string') return member;
    const id = member.replace('#/$defs/', '');
    return `#/components/schemas/${names.get(id) ?? id}`;
  }) as Json;
}
