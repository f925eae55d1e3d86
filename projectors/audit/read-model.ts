// The audit list: one row for each event of the log, whoever's it is, by the event's position. What an event says is read
// from the log when it is shown.

import { accesses } from '#events/access.ts';
import { topics } from '#events/aggregates.ts';
import type { EventRowProjection } from '#platform/projection/projection.ts';
import { createNameOpener } from './open-names.ts';
import { wordsOf } from './words-of.ts';

export const auditReadModel: EventRowProjection = {
  kind: 'event-row',
  name: 'audit',
  topics,
  shape: 3,
  index: {
    name: 'audit',
    fields: {
      tenant: 'code',
      type: 'code',
      actor: 'code',
      stream: 'keyword',
      recordedAt: 'number',
      position: 'number',
      words: 'text',
    },
    sortBy: 'position',
    partitionBy: 'tenant',
    numbered: true,
    findBy: ['type', 'actor'],
    rising: 'recordedAt',
    tally: { of: 'type', over: 'recordedAt' },
  },
  createOpener: createNameOpener,
  // Whoever watches the list reads it, and reads are recorded: they would hear themselves for ever.
  hintOf: (event) => (accesses.owns(event) ? undefined : 'audit'),
  fieldsOf(event) {
    const { tenantId, actor } = event.metadata;
    return {
      tenant: tenantId,
      type: event.type,
      actor: `${actor.kind}:${actor.id}`,
      stream: event.stream,
      recordedAt: event.recordedAt,
      position: Number(event.position),
      words: wordsOf(event),
    };
  },
};
