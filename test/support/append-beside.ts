// Appends to a server's log beside it, as a verb on the command line does: what no command would make.

import { createEvent } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { tenants } from '#events/tenant.ts';
import { newId } from '#platform/new-id.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';

const CHUNK = 500;

/** Events of tenants that no command made; the actor's id may be longer than an index takes. */
export const tenantCreated = (name: string, actorId = 'test'): NewEvent =>
  createEvent(
    'TenantCreated',
    { name },
    {
      eventId: newId(),
      commandId: newId(),
      tenantId: name,
      actor: { kind: 'system', id: actorId },
      correlationId: newId(),
    },
  );

/** Each entry is a stream's events. */
export async function appendBeside(
  folder: string,
  streams: Iterable<readonly [stream: string, events: readonly NewEvent[]]>,
): Promise<void> {
  const store = await openSqliteEventStore({ folder });
  try {
    let under: Promise<unknown>[] = [];
    for (const [stream, events] of streams) {
      under.push(store.append(stream, events, 'any'));
      if (under.length >= CHUNK) {
        await Promise.all(under);
        under = [];
      }
    }
    await Promise.all(under);
  } finally {
    await store.close();
  }
}

export function* manyTenants(count: number): Generator<readonly [string, readonly NewEvent[]]> {
  for (let n = 0; n < count; n++) yield [tenants.stream(`made-${n}`), [tenantCreated(`made-${n}`)]];
}
