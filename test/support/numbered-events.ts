// Events without meaning, for tests of what carries events.

import { randomUUID } from 'node:crypto';
import type { NewEvent } from '#events/envelope.ts';

export const numberedEvent = (number: number, type = 'Counted', id: string = randomUUID()): NewEvent => ({
  id,
  type,
  data: { number },
  metadata: {
    tenantId: 'acme',
    actor: { kind: 'system', id: 'test' },
    $correlationId: 'correlation',
    $causationId: 'causation',
    schemaVersion: 1,
  },
});

/** `alpha-…` and `beta-…` streams have a topic, no others. */
export const testTopicOf = (stream: string): string | undefined =>
  /^(alpha|beta)-/.test(stream) ? `test.${stream.slice(0, stream.indexOf('-'))}` : undefined;
