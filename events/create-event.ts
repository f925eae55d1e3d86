import { catalog } from './catalog.ts';
import type { Actor, NewEvent } from './envelope.ts';

/** Where an event comes from; ids and tenant are given, so that deciders make none. */
export interface Origin {
  readonly eventId: string;
  readonly commandId: string;
  readonly tenantId: string;
  readonly actor: Actor;
  readonly correlationId: string;
  readonly traceparent?: string;
  readonly keyId?: string;
}

/** An event at its type's present schema version. Throws for a type that is not in the catalog. */
export function createEvent<const Type extends string, Data>(
  type: Type,
  data: Data,
  origin: Origin,
): NewEvent<Type, Data> {
  const version = catalog.get(type)?.version;
  if (version === undefined) throw new TypeError(`no such event type: ${type}`);
  const { eventId, commandId, tenantId, actor, correlationId, traceparent, keyId } = origin;
  return {
    id: eventId,
    type,
    data,
    metadata: {
      tenantId,
      actor,
      $correlationId: correlationId,
      $causationId: commandId,
      schemaVersion: version,
      ...(keyId !== undefined && { keyId }),
      ...(traceparent !== undefined && { traceparent }),
    },
  };
}
