import { v7 } from 'uuid';
import type { NewEvent } from '#events/envelope.ts';

/** An event of no particular meaning. */
export function someEvent(data: unknown = {}, parts: Partial<NewEvent> = {}): NewEvent {
  return {
    id: v7(),
    type: 'SomethingHappened',
    data,
    metadata: {
      tenantId: 'some-tenant',
      actor: { kind: 'system', id: 'test' },
      $correlationId: 'some-correlation',
      $causationId: 'some-causation',
      schemaVersion: 1,
    },
    ...parts,
  };
}

export function someEvents(count: number): NewEvent[] {
  return Array.from({ length: count }, (_, n) => someEvent({ n }));
}
