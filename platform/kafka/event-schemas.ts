// Events' data in Confluent's wire format: a zero byte, the schema's id in the registry (4 bytes, big-endian), Avro. What
// the registry said once is kept, so that it may be away while events flow; what is not known yet waits for it.

import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import type { RecordedEvent } from '#events/envelope.ts';
import { asError, finalError, StartError } from '../errors.ts';
import { backOff } from '../patience/back-off.ts';
import { persist } from '../patience/persist.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import { LogIsNewer } from '../event-store/event-store.ts';
import type { Log } from '../logging/log.ts';

export interface ReleasedSchema {
  readonly type: string;
  readonly version: number;
  /** An Avro record. */
  readonly schema: object;
}

export interface EventSchemas {
  /**
   * Registers every version under its record's full name, in order, FULL_TRANSITIVE; may be run again at any time. Rejects
   * with `StartError` naming the type when the registry finds it incompatible, at once, and when the registry is away.
   */
  register(): Promise<void>;
  /**
   * The event's data by the schema of its type and version: at once when the schema's id is known. Waits while the
   * registry is away. Rejects with `SchemaMissing`, or `LogIsNewer` for a type or version that this program does not know.
   */
  encode(event: RecordedEvent): Buffer | Promise<Buffer>;
  /**
   * At once when the schema is known. Waits while the registry is away. Throws what is no such record; rejects with
   * `SchemaMissing` when the registry does not know the id, also a little later.
   */
  decode(value: Buffer): unknown;
  /** Rejects with a sentence when the registry does not answer. */
  health(): Promise<void>;
  /** Who waits is rejected with `Interrupted`. */
  close(): void;
}

/** The registry answers, and does not know the schema. */
export class SchemaMissing extends finalError('schema-missing') {}

export interface EventSchemasOptions {
  /** Of Confluent's API; `https://user:password@host` for basic authentication. */
  readonly url: string;
  /** Every version of every type that was ever released, the present ones included. */
  readonly released: readonly ReleasedSchema[];
  readonly log: Log;
}

/** Milliseconds. */
const DEADLINE = 5_000;
/** How long "there is no such schema" is believed: the library asks again for each event (confluent-schema-registry #301). */
const MISSING_FOR = 3_000;
/** A schema that was just registered may be unknown to another node of the registry for a moment. */
const UNKNOWN_ID_WITHIN = 10_000;

const HEADER_BYTES = 5;

interface Writer {
  readonly avro: avro.Type;
  readonly schema: object;
  id: number | undefined;
  missingUntil: number;
  asking: Promise<number> | undefined;
}

interface Reader {
  fromBuffer(buffer: Buffer): unknown;
}

export function openEventSchemas({ url, released, log }: EventSchemasOptions): EventSchemas {
  const { registry, host } = createRegistry(url);
  const closing = new AbortController();
  const writers = new Map<string, Writer>();
  const readers = new Map<number, Reader>();
  const asking = new Map<number, Promise<Reader>>();
  for (const { type, version, schema } of released) {
    const written = avro.Type.forSchema(schema as avro.Schema);
    writers.set(`${type} ${version}`, { avro: written, schema, id: undefined, missingUntil: 0, asking: undefined });
  }

  /** Asks until the registry answers something that is not its own trouble. */
  async function patiently<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const warn = saySeldom((err: unknown) =>
      log.warn({ err, registry: host }, `the schema registry does not answer, ${what} waits for it`),
    );
    try {
      return await persist(ask, closing.signal, warn, {
        isHopeless: (err) => isMissing(err) || isRefused(err),
        waitMs: (failures) => backOff(failures, 100, 2_000),
      });
    } catch (err) {
      if (isRefused(err)) throw new StartError(`the schema registry at ${host} refuses us: ${asError(err).message}`);
      throw err;
    }
  }

  async function findId(name: string, writer: Writer): Promise<number> {
    const missing = new SchemaMissing(
      `the schema registry does not know the schema of ${name.replace(' ', ' version ')}: run \`node main.ts migrate\``,
    );
    if (performance.now() < writer.missingUntil) throw missing;
    try {
      const id = await patiently(name, () =>
        registry.getRegistryIdBySchema(subjectOf(writer), {
          type: SchemaType.AVRO,
          schema: JSON.stringify(writer.schema),
        }),
      );
      writer.id = id;
      return id;
    } catch (err) {
      if (!isMissing(err)) throw err;
      writer.missingUntil = performance.now() + MISSING_FOR;
      throw missing;
    }
  }

  async function findReader(id: number): Promise<Reader> {
    const ask = () => patiently(`schema ${id}`, () => registry.getSchema(id));
    const warn = () =>
      log.warn({ registry: host, id }, 'the schema registry does not know a schema that a record names, asking again');
    try {
      const reader = (await persist(ask, closing.signal, warn, {
        isHopeless: (err) => !isMissing(err),
        waitMs: () => MISSING_FOR,
        until: performance.now() + UNKNOWN_ID_WITHIN,
      })) as Reader;
      readers.set(id, reader);
      return reader;
    } catch (err) {
      if (!isMissing(err)) throw err;
      throw new SchemaMissing(`the schema registry at ${host} does not know the schema ${id} that a record names`);
    }
  }

  return {
    async register() {
      for (const { type, version, schema } of released.toSorted((a, b) => a.version - b.version)) {
        const writer = writers.get(`${type} ${version}`);
        if (!writer) continue;
        try {
          const { id } = await registry.register(
            { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
            { subject: subjectOf(writer), compatibility: COMPATIBILITY.FULL_TRANSITIVE },
          );
          writer.id = id;
        } catch (err) {
          const why = asError(err).message;
          throw new StartError(`the schema of ${type} version ${version} cannot be registered at ${host}: ${why}`);
        }
      }
    },
    encode(event) {
      const name = `${event.type} ${event.metadata.schemaVersion}`;
      const writer = writers.get(name);
      if (!writer) {
        throw new LogIsNewer(
          `the log is newer than this program: it does not know ${event.type} version ${event.metadata.schemaVersion} (${event.stream} revision ${event.revision})`,
        );
      }
      if (writer.id !== undefined) return frame(writer.id, writer.avro.toBuffer(event.data));
      writer.asking ??= findId(name, writer).finally(() => (writer.asking = undefined));
      return writer.asking.then((id) => frame(id, writer.avro.toBuffer(event.data)));
    },
    decode(value) {
      if (value.length < HEADER_BYTES || value[0] !== 0) {
        throw new TypeError('the value does not begin with a zero byte and the id of a schema');
      }
      const id = value.readUInt32BE(1);
      const payload = value.subarray(HEADER_BYTES);
      const reader = readers.get(id);
      if (reader) return plain(reader.fromBuffer(payload));
      const found = asking.get(id) ?? findReader(id).finally(() => asking.delete(id));
      asking.set(id, found);
      return found.then((reader) => plain(reader.fromBuffer(payload)));
    },
    async health() {
      // A schema that cannot be there: any answer, also "not found", is one.
      await registry.getLatestSchemaId('defter-health').catch((err: unknown) => {
        if (isMissing(err)) return;
        throw new Error(`the schema registry at ${host} does not answer: ${asError(err).message}`, { cause: err });
      });
    },
    close: () => closing.abort(),
  };
}

function frame(id: number, payload: Buffer): Buffer {
  const value = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  value[0] = 0;
  value.writeUInt32BE(id, 1);
  payload.copy(value, HEADER_BYTES);
  return value;
}

/** Avro's records are of classes made for their schemas; an event's data are plain wherever they come from. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(plain);
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) copy[key] = plain(inner);
  return copy;
}

const subjectOf = ({ avro }: Writer): string => avro.name ?? '';

function createRegistry(url: string) {
  const { username, password, host, origin, pathname } = new URL(url);
  const registry = new SchemaRegistry(
    {
      host: origin + pathname.replace(/\/$/, ''),
      clientId: 'defter',
      ...(username && { auth: { username: decodeURIComponent(username), password: decodeURIComponent(password) } }),
      retry: { retries: 0 }, // we try again ourselves, and say so
      middlewares: [() => ({ request: (request) => Promise.resolve(request.enhance({ timeout: DEADLINE })) })],
    },
    {},
  );
  return { registry, host };
}

const statusOf = (err: unknown): unknown => (err as { status?: unknown } | undefined)?.status;

/** ConfluentSchemaRegistryError wraps a 404 and drops its status. */
const isMissing = (err: unknown): boolean =>
  statusOf(err) === 404 || (err as { name?: unknown } | undefined)?.name === 'ConfluentSchemaRegistryError';

const isRefused = (err: unknown): boolean => statusOf(err) === 401 || statusOf(err) === 403;
