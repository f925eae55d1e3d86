import { createEvent } from '#events/create-event.ts';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import type { Fields } from '#platform/projection/projection.ts';
import { idOfNumber } from '#platform/search-index/search-index.ts';
import { notificationsReadModel, TOLD_BEFORE_EXPIRY_MS } from '../../projectors/notifications/read-model.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';
import { AS_ISSUED, givenEvents } from '../support/given-projection.ts';
import { APART, FIRST } from '../support/memory-event-store.ts';
import { modelDefinition } from '../support/model-definition.ts';

const LATER = 100 * TOLD_BEFORE_EXPIRY_MS;

let ids = 0;
const history = (stream: string, ...events: readonly NewEvent[]): RecordedEvent[] =>
  events.map((event, n) => recorded({ ...event, id: `${++ids}` }, stream, n, 1_000 * (n + 1)));
const row = (nth: number, fields: Fields) => ({
  id: idOfNumber(Number(FIRST + BigInt(nth) * APART)),
  fields: {
    tenant: 'acme',
    resolvedAt: null,
    version: null,
    stream: null,
    revision: null,
    name: null,
    expiresAt: null,
    reason: null,
    ...fields,
  },
});
const made = (...events: readonly RecordedEvent[]) => givenEvents(notificationsReadModel, ...events);

describe('the notification of a key that is about to expire', () => {
  const issued = (expiresAt: number | null) => createEvent('ApiKeyIssued', { ...AS_ISSUED, expiresAt }, ORIGIN);
  const told = (at: number, expiresAt: number) =>
    row(0, { kind: 'key-expiring', permission: 'keys:read', subject: '1', name: 'ci', at, expiresAt });

  it('is of seven days before, or of its making where it does not last so long', async () => {
    await made(...history('apikey-1', issued(LATER))).thenRows([told(LATER - TOLD_BEFORE_EXPIRY_MS, LATER)]);
    await made(...history('apikey-1', issued(60_000))).thenRows([told(1_000, 60_000)]);
    const limits = createEvent('ApiKeyLimitsSet', { requestsPerMinute: 5 }, ORIGIN);
    await made(...history('apikey-1', issued(60_000), limits)).thenRows([told(1_000, 60_000)]);
  });

  it('is not there for one that does not expire, was revoked or has a successor', async () => {
    await made(...history('apikey-1', issued(null))).thenRows([]);
    await made(...history('apikey-1', issued(LATER), createEvent('ApiKeyRevoked', {}, ORIGIN))).thenRows([]);
    const rotated = createEvent('ApiKeyRotated', { successor: '2', expiresAt: 90_000 }, ORIGIN);
    await made(...history('apikey-1', issued(LATER), rotated)).thenRows([]);
  });
});

describe('the notification of a model that is unhealthy', () => {
  const registered = createEvent('ModelRegistered', modelDefinition, ORIGIN);
  const unhealthy = createEvent('ModelBecameUnhealthy', { reason: 'timeout' }, ORIGIN);
  const recovered = createEvent('ModelRecovered', {}, ORIGIN);
  const told = (nth: number, resolvedAt: number | null) =>
    row(nth, {
      kind: 'model-unhealthy',
      permission: 'models:read',
      subject: 'a/b',
      reason: 'timeout',
      at: 1_000 * (nth + 1),
      resolvedAt,
    });

  it('stands until the model recovers, is registered anew or retired, and is another one the next time', async () => {
    for (const end of [recovered, registered, createEvent('ModelRetired', {}, ORIGIN)])
      await made(...history('model-acme-a/b', registered, unhealthy, end)).thenRows([told(1, 3_000)]);
    await made(...history('model-acme-a/b', registered, unhealthy, recovered, unhealthy)).thenRows([
      told(1, 3_000),
      told(3, null),
    ]);
  });

  it('is not there for a model that was always well', async () => {
    await made(...history('model-acme-a/b', registered)).thenRows([]);
  });
});

describe('the notification of a dead letter', () => {
  const parked = (stream: string, revision = 3, version: number | null = 1) =>
    createEvent('DeadLetterParked', { version, stream, revision, error: 'x' }, ORIGIN);
  const asked = { stream: 'alpha-1', revision: 3, reason: null };
  const told = (nth: number, fields: Fields) =>
    row(nth, {
      tenant: 'platform',
      kind: 'dead-letter',
      permission: 'platform',
      subject: 'audit',
      at: 1_000 * (nth + 1),
      version: 1,
      revision: 3,
      ...fields,
    });

  it('stands until it is retried or given up, alone of its stream, and is another one when it is parked again', async () => {
    for (const type of ['DeadLetterRetried', 'DeadLetterDiscarded'] as const)
      await made(
        ...history('projection-audit', parked('alpha-1'), parked('alpha-2'), createEvent(type, asked, ORIGIN)),
      ).thenRows([told(0, { stream: 'alpha-1', resolvedAt: 3_000 }), told(1, { stream: 'alpha-2' })]);
    const retried = createEvent('DeadLetterRetried', asked, ORIGIN);
    await made(...history('projection-audit', parked('alpha-1'), retried, parked('alpha-1'))).thenRows([
      told(0, { stream: 'alpha-1', resolvedAt: 2_000 }),
      told(2, { stream: 'alpha-1' }),
    ]);
  });

  it('is over when another event of its stream is parked in its place', async () => {
    const events = [parked('alpha-1', 3, null), parked('alpha-1', 5, null)];
    await made(...history('projection-workers.mail', ...events)).thenRows([
      told(0, { stream: 'alpha-1', subject: 'workers.mail', version: null, resolvedAt: 2_000 }),
      told(1, { stream: 'alpha-1', subject: 'workers.mail', version: null, revision: 5 }),
    ]);
  });

  it('is over with its version', async () => {
    const switched = createEvent('ProjectionSwitched', { from: 1, to: 2, comparison: null }, ORIGIN);
    const ends = [
      switched,
      createEvent('ProjectionRebuildAbandoned', { version: 1, reason: 'x', comparison: null }, ORIGIN),
      createEvent('ProjectionVersionRetired', { version: 1 }, ORIGIN),
    ];
    for (const end of ends)
      await made(...history('projection-audit', parked('alpha-1'), parked('alpha-1', 3, 2), end)).thenRows([
        told(0, { stream: 'alpha-1', resolvedAt: 3_000 }),
        told(1, { stream: 'alpha-1', version: 2 }),
      ]);
  });
});
