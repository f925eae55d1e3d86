// The record of an event in Kafka. Key: the stream. Value: the event's data in Confluent's wire format, see
// event-schemas.ts. Headers, all text: `id`, `type`, `stream`, `revision`, `position`, `recorded-at` (milliseconds since the
// epoch), `metadata` (JSON) and `generation` (of the log: after a restore the same positions name other events). The
// record's timestamp is `recorded-at`.

import type { IHeaders } from 'kafkajs';
import { ACTOR_KINDS, type EventMetadata, type RecordedEvent } from '#events/envelope.ts';
import { Interrupted } from '../patience/persist.ts';
import { asError, codeOf, finalError } from '../errors.ts';
import type { EventSchemas } from './event-schemas.ts';

export interface EventMessage {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestamp: string;
}

/** What is read of a record that Kafka hands over. */
export interface ReadMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders | undefined;
}

/** A record that is no event as we write them. It is never skipped: its partition stops. */
export class MalformedRecord extends finalError('malformed-record') {}

export interface EventMessages {
  /** At once when the schema's id is known; see `EventSchemas.encode` for what it rejects with. */
  encode(event: RecordedEvent): EventMessage | Promise<EventMessage>;
  /** Throws `MalformedRecord`. Rejects like `EventSchemas.decode`. */
  decode(message: ReadMessage): RecordedEvent | Promise<RecordedEvent>;
}

export interface EventMessagesOptions {
  readonly schemas: Pick<EventSchemas, 'encode' | 'decode'>;
  /** Of the log. */
  readonly generation: string;
}

export function createEventMessages({ schemas, generation }: EventMessagesOptions): EventMessages {
  return {
    encode(event) {
      const value = schemas.encode(event);
      return value instanceof Promise
        ? value.then((value) => message(event, value, generation))
        : message(event, value, generation);
    },
    decode(message) {
      const envelope = envelopeOf(message);
      const { value } = message;
      if (!value) throw new MalformedRecord('a record has no value');
      const broken = (err: unknown) => {
        if (err instanceof Interrupted || codeOf(err) !== undefined) throw err;
        const { type, stream, revision } = envelope;
        throw new MalformedRecord(`${type} (${stream} revision ${revision}): ${asError(err).message}`, { cause: err });
      };
      try {
        const data = schemas.decode(value);
        if (data instanceof Promise) return data.then((data) => ({ ...envelope, data }), broken);
        return { ...envelope, data };
      } catch (err) {
        return broken(err);
      }
    },
  };
}

function message(event: RecordedEvent, value: Buffer, generation: string): EventMessage {
  const { id, type, stream, revision, position, recordedAt, metadata } = event;
  return {
    key: stream,
    value,
    headers: {
      id,
      type,
      stream,
      revision: String(revision),
      position: String(position),
      'recorded-at': String(recordedAt),
      metadata: JSON.stringify(metadata),
      generation,
    },
    timestamp: String(recordedAt),
  };
}

/** The position of a record's event, read without its other parts. */
export const positionOf = ({ headers }: ReadMessage): bigint => BigInt(digits(headers, 'position'));

/** The generation of the log that a record's event stands in. */
export const generationOf = ({ headers }: ReadMessage): string => text(headers, 'generation');

function envelopeOf({ key, headers }: ReadMessage): Omit<RecordedEvent, 'data'> {
  const stream = text(headers, 'stream');
  if (key === null || key.toString('utf8') !== stream) {
    throw new MalformedRecord(`a record's key is not the stream ${stream} that it names`);
  }
  return {
    id: text(headers, 'id'),
    type: text(headers, 'type'),
    stream,
    revision: integer(headers, 'revision'),
    position: BigInt(digits(headers, 'position')),
    recordedAt: integer(headers, 'recorded-at'),
    metadata: metadataOf(text(headers, 'metadata')),
  };
}

function text(headers: IHeaders | undefined, name: string): string {
  const value = headers?.[name];
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  if (typeof value === 'string') return value;
  throw new MalformedRecord(`a record has ${value === undefined ? 'no' : 'more than one'} header ${name}`);
}

function digits(headers: IHeaders | undefined, name: string): string {
  const value = text(headers, name);
  if (/^\d{1,20}$/.test(value)) return value;
  throw new MalformedRecord(`a record's header ${name} is not a number: ${JSON.stringify(value)}`);
}

function integer(headers: IHeaders | undefined, name: string): number {
  const value = Number(digits(headers, name));
  if (Number.isSafeInteger(value)) return value;
  throw new MalformedRecord(`a record's header ${name} is too large`);
}

const ACTORS: ReadonlySet<unknown> = new Set(ACTOR_KINDS);

function metadataOf(json: string): EventMetadata {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new MalformedRecord("a record's header metadata is not JSON", { cause });
  }
  if (!isMetadata(value)) throw new MalformedRecord("a record's header metadata is not that of an event");
  return value;
}

function isSealedOrigin(value: unknown): boolean {
  const { keyId, sealed } = (value ?? {}) as { readonly keyId?: unknown; readonly sealed?: unknown };
  return typeof keyId === 'string' && typeof sealed === 'string';
}

function isMetadata(value: unknown): value is EventMetadata {
  if (typeof value !== 'object' || value === null) return false;
  const { tenantId, actor, $correlationId, $causationId, schemaVersion, origin, traceparent } = value as Partial<
    Record<keyof EventMetadata, unknown>
  >;
  const { kind, id } = (actor ?? {}) as { readonly kind?: unknown; readonly id?: unknown };
  return (
    [tenantId, $correlationId, $causationId, id].every((part) => typeof part === 'string') &&
    ACTORS.has(kind) &&
    Number.isSafeInteger(schemaVersion) &&
    (traceparent === undefined || typeof traceparent === 'string') &&
    (origin === undefined || isSealedOrigin(origin))
  );
}
