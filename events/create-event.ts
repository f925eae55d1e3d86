import type { EventData, EventType } from './aggregates.ts';
import { catalog } from './catalog.ts';
import type { Actor, NewEvent, SealedOrigin } from './envelope.ts';

/** Where an event comes from; ids and tenant are given, so that deciders make none. */
export interface Origin {
  readonly eventId: string;
  readonly commandId: string;
  readonly tenantId: string;
  readonly actor: Actor;
  readonly correlationId: string;
  readonly traceparent?: string;
  readonly sealedOrigin?: SealedOrigin;
}

/** An event at its type's present schema version. */
export function createEvent<const Type extends EventType>(
  type: Type,
  data: EventData<Type>,
  origin: Origin,
): NewEvent<Type, EventData<Type>> {
  const { eventId, commandId, tenantId, actor, correlationId, traceparent, sealedOrigin } = origin;
  return {
    id: eventId,
    type,
    data,
    metadata: {
      tenantId,
      actor,
      $correlationId: correlationId,
      $causationId: commandId,
      schemaVersion: catalog.get(type)!.version,
      ...(sealedOrigin !== undefined && { origin: sealedOrigin }),
      ...(traceparent !== undefined && { traceparent }),
    },
  };
}
