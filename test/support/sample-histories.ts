// A short history for each read model, with all that it makes something of. One without is found by the test of the list.

import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { ORIGIN, recorded } from './given-decider.ts';
import { AS_ISSUED, plainContent } from './given-projection.ts';
import { modelDefinition } from './model-definition.ts';

let events = 0;

/** A new id for each event, the same in every run. */
const origin = (): Origin => ({
  ...ORIGIN,
  eventId: `018f0000-0000-7000-8000-${String(++events).padStart(12, '0')}`,
});

const history = (stream: string, ...given: readonly NewEvent[]): RecordedEvent[] =>
  given.map((event, revision) => recorded(event, stream, revision, 1_000 * (revision + 1)));

const requested = (input: unknown) =>
  createEvent(
    'InferenceRequested',
    { model: 'm', modelOwner: 'acme', form: 'input', input: plainContent(input), parameters: {}, deadline: 9 },
    origin(),
  );
const completed = (output: unknown) =>
  createEvent(
    'InferenceCompleted',
    { output: plainContent(output), inputTokens: 1, outputTokens: 2, cache: 'bypass', startedAt: 1, attempt: 1 },
    origin(),
  );
const failed = () =>
  createEvent('InferenceFailed', { code: 'timeout', message: plainContent('too late'), attempt: 3 }, origin());
const cancelled = () => createEvent('InferenceCancelled', {}, origin());

const inferences = [
  ...history('inference-1', requested({ text: 'Kırmızı GÜL' }), completed({ nested: ['two'] })),
  ...history('inference-2', requested('lost'), failed()),
  // The first end is the one that counts.
  ...history('inference-3', requested('third'), cancelled(), completed('late')),
  ...history('inference-4', requested('waits')),
];

const standings = [
  ...history('tenant-acme', createEvent('TenantCreated', { name: 'Acme' }, origin())),
  ...history('apikey-1', createEvent('ApiKeyIssued', AS_ISSUED, origin())),
  ...history(
    'apikey-2',
    createEvent(
      'ApiKeyIssued',
      { name: 'old', hash: 'cd', last4: 'abcd', scopes: [], expiresAt: null, models: null, personId: null },
      origin(),
    ),
    createEvent('ApiKeyRevoked', {}, origin()),
  ),
];

const notified = [
  ...history('apikey-3', createEvent('ApiKeyIssued', { ...AS_ISSUED, expiresAt: 90_000 }, origin())),
  ...history(
    'model-acme-m',
    createEvent('ModelRegistered', modelDefinition, origin()),
    createEvent('ModelBecameUnhealthy', { reason: 'timeout' }, origin()),
    createEvent('ModelRecovered', {}, origin()),
  ),
  ...history(
    'projection-audit',
    createEvent('DeadLetterParked', { version: 1, stream: 'tenant-acme', revision: 0, error: 'x' }, origin()),
  ),
];

export const sampleHistories: Readonly<Record<string, readonly RecordedEvent[]>> = {
  standing: standings,
  inference: inferences,
  inferences,
  audit: [...standings, ...inferences],
  entities: standings,
  notifications: notified,
};
