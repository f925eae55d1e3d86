// The gate between the program's events and the log's: what does not encode by its Avro schema is refused before it is
// durable, and what this program does not know yet is never half understood. The catalog of types comes in from outside.

import avro from 'avsc';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { EventRefused, LogIsNewer } from './event-store.ts';

export interface EventCodecOptions {
  /** Type name to its Avro record schema and present version. */
  readonly types: ReadonlyMap<string, { readonly schema: object; readonly version: number }>;
  /** The event at its type's present version. */
  readonly upcast: (event: RecordedEvent) => RecordedEvent;
}

export interface EventCodec {
  /** Throws `EventRefused`, naming the field, when the event must not be written. */
  check(event: NewEvent): void;
  /** The event as if written today. Throws `LogIsNewer` for a type or version that this program does not know. */
  read(event: RecordedEvent): RecordedEvent;
}

interface KnownType {
  readonly avro: avro.Type;
  readonly version: number;
  /** Avro's doubles may be NaN or infinite; JSON turns both into null. */
  readonly hasDoubles: boolean;
}

export function createEventCodec({ types, upcast }: EventCodecOptions): EventCodec {
  const known = new Map<string, KnownType>();
  for (const [name, { schema, version }] of types) {
    const hasDoubles = /"(?:double|float)"/.test(JSON.stringify(schema));
    known.set(name, { avro: avro.Type.forSchema(schema as avro.Schema), version, hasDoubles });
  }

  function check({ type, data, metadata }: NewEvent): void {
    const found = known.get(type);
    if (!found) throw new EventRefused(`${type} is not a known event type`);
    if (metadata.schemaVersion !== found.version) {
      throw new EventRefused(`${type}: schemaVersion is ${metadata.schemaVersion}, it must be ${found.version}`);
    }
    if (Array.isArray(data) || !found.avro.isValid(data, strict))
      throw new EventRefused(describeFault(type, found, data));
    if (found.hasDoubles) refuseNonFinite(type, data, 'data');
  }

  function read(event: RecordedEvent): RecordedEvent {
    const found = known.get(event.type);
    const { schemaVersion } = event.metadata;
    if (found?.version === schemaVersion) return event;
    if (!found || schemaVersion > found.version) throw newer(event);
    const today = upcast(event);
    if (today.metadata.schemaVersion === found.version) return today;
    throw new TypeError(`${event.type} cannot be upcast from version ${schemaVersion} to ${found.version}`);
  }

  return { check, read };
}

const strict = { noUndeclaredFields: true } as const;

/** Checked a second time, slowly, for the place of the first fault. */
function describeFault(type: string, { avro }: KnownType, data: unknown): string {
  // To Avro an array is an object, and so a record.
  let fault = Array.isArray(data) ? `${type}: data is not a record of its schema` : undefined;
  avro.isValid(data, {
    noUndeclaredFields: true,
    errorHook: (path, value, expected) => {
      fault ??= `${type}: ${['data', ...path].join('.')} ${explain(value, expected)}`;
    },
  });
  return fault ?? `${type}: data does not fit its schema`;
}

function explain(value: unknown, expected: avro.Type): string {
  if (expected instanceof avro.types.RecordType && typeof value === 'object' && value !== null) {
    const names = new Set(expected.fields.map(({ name }) => name));
    const unknown = Object.keys(value).filter((key) => !names.has(key));
    return unknown.length > 0 ? `has an unknown field: ${unknown.join(', ')}` : 'is not a record of its schema';
  }
  return value === undefined ? 'is missing' : `is not of type ${expected.typeName.replace('union:unwrapped', 'union')}`;
}

function refuseNonFinite(type: string, value: unknown, path: string): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new EventRefused(`${type}: ${path} is not finite`);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) refuseNonFinite(type, inner, `${path}.${key}`);
}

function newer({ type, metadata, stream, revision }: RecordedEvent): LogIsNewer {
  return new LogIsNewer(
    `the log is newer than this program: it does not know ${type} version ${metadata.schemaVersion} (${stream} revision ${revision})`,
  );
}
