// What people are told of without having asked: a row for each occasion, by when it is to be told, with the permission that
// whoever is told must hold in its tenant. Rows say what happened, in no language.

import { apiKeys } from '#events/api-key.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { models, PLATFORM } from '#events/model.ts';
import { projections } from '#events/projection.ts';
import { categoryOf, subjectOf } from '#events/streams.ts';
import type { Fields, RowChange, StreamRowsProjection } from '#platform/projection/projection.ts';
import { idOfNumber } from '#platform/search-index/search-index.ts';

/** So long before it expires a key is told of. */
export const TOLD_BEFORE_EXPIRY_MS = 7 * 86_400_000;

export type NotificationKind = 'dead-letter' | 'key-expiring' | 'model-unhealthy';

/** Who is told: whoever holds it in the row's tenant. */
export const PERMISSION_OF: Readonly<Record<NotificationKind, string>> = {
  'dead-letter': 'platform',
  'key-expiring': 'keys:read',
  'model-unhealthy': 'models:read',
};

interface OpenRow {
  readonly id: string;
  readonly fields: Fields;
}

/** Of a stream: those of its rows that something may still be done about. */
export interface OpenNotifications {
  readonly open: readonly OpenRow[];
}

type Change = 'ignore' | { readonly state: OpenNotifications; readonly rows: readonly RowChange[] };

const CONCERNS: ReadonlySet<string> = new Set([apiKeys.category, models.category, projections.category]);

/** Events that tell of a model's health, or begin it anew. */
const HEALTH: ReadonlySet<string> = new Set([
  'ModelBecameUnhealthy',
  'ModelRecovered',
  'ModelRegistered',
  'ModelRetired',
]);

export const notificationsReadModel: StreamRowsProjection<OpenNotifications> = {
  kind: 'stream-rows',
  name: 'notifications',
  topics: [...new Set([apiKeys.topic, models.topic, projections.topic])],
  index: {
    name: 'notifications',
    fields: {
      tenant: 'keyword',
      kind: 'code',
      permission: 'code',
      at: 'number',
      resolvedAt: 'number',
      subject: 'keyword',
      version: 'number',
      stream: 'keyword',
      revision: 'number',
      name: 'keyword',
      expiresAt: 'number',
      reason: 'keyword',
    },
    sortBy: 'at',
    partitionBy: 'tenant',
  },
  concerns: (stream) => CONCERNS.has(categoryOf(stream)),
  project: (state = { open: [] }, event) => ofKey(state, event) ?? ofModel(state, event) ?? ofLetter(state, event),
  hintOf(event) {
    const kind = kindOf(event);
    return kind && `notification:${PERMISSION_OF[kind]}`;
  },
};

/** Of what kind are the rows that an event may write. */
function kindOf(event: RecordedEvent): NotificationKind | undefined {
  if (apiKeys.owns(event)) {
    const isQuiet = event.type === 'ApiKeyIssued' ? event.data.expiresAt === null : event.type === 'ApiKeyLimitsSet';
    return isQuiet ? undefined : 'key-expiring';
  }
  if (models.owns(event)) return HEALTH.has(event.type) ? 'model-unhealthy' : undefined;
  return projections.owns(event) ? 'dead-letter' : undefined;
}

/** The id says which event it is of, so that what is told again is another row. */
const rowOf = (kind: NotificationKind, event: RecordedEvent, tenant: string, fields: Fields): OpenRow => ({
  id: idOfNumber(Number(event.position)),
  fields: {
    tenant,
    kind,
    permission: PERMISSION_OF[kind],
    at: event.recordedAt,
    resolvedAt: null,
    ...fields,
  },
});

const opened = ({ open }: OpenNotifications, row: OpenRow): Change => ({
  state: { open: [...open, row] },
  rows: [row],
});

/** What has been seen to stays in the list, and says since when. */
function resolved({ open }: OpenNotifications, { recordedAt }: RecordedEvent, isMeant: (row: Fields) => boolean) {
  const rows = open
    .filter(({ fields }) => isMeant(fields))
    .map(({ id, fields }) => ({ id, fields: { ...fields, resolvedAt: recordedAt } }));
  return { state: { open: open.filter(({ fields }) => !isMeant(fields)) }, rows };
}

function ofKey(state: OpenNotifications, event: RecordedEvent): Change | undefined {
  if (!apiKeys.owns(event)) return undefined;
  if (event.type === 'ApiKeyIssued') {
    const { name, expiresAt } = event.data;
    if (expiresAt === null) return 'ignore';
    const at = Math.max(event.recordedAt, expiresAt - TOLD_BEFORE_EXPIRY_MS);
    const subject = subjectOf(event.stream);
    return opened(state, rowOf('key-expiring', event, event.metadata.tenantId, { at, subject, name, expiresAt }));
  }
  if (event.type === 'ApiKeyLimitsSet') return 'ignore';
  // One that was revoked or has a successor needs nobody, and may not even have been told of.
  return { state: { open: [] }, rows: state.open.map(({ id }) => ({ id, fields: null })) };
}

function ofModel(state: OpenNotifications, event: RecordedEvent): Change | undefined {
  if (!models.owns(event)) return undefined;
  switch (event.type) {
    case 'ModelBecameUnhealthy': {
      const { tenantId } = event.metadata;
      const subject = event.stream.slice(models.stream(tenantId, '').length);
      return opened(state, rowOf('model-unhealthy', event, tenantId, { subject, reason: event.data.reason }));
    }
    case 'ModelRecovered':
    case 'ModelRegistered':
    case 'ModelRetired':
      return state.open.length === 0 ? 'ignore' : resolved(state, event, () => true);
    default:
      return 'ignore';
  }
}

function ofLetter(state: OpenNotifications, event: RecordedEvent): Change {
  if (!projections.owns(event)) return 'ignore';
  switch (event.type) {
    case 'DeadLetterParked': {
      const { version, stream, revision } = event.data;
      const before = resolved(state, event, (row) => row['version'] === version && row['stream'] === stream);
      const subject = subjectOf(event.stream);
      const row = rowOf('dead-letter', event, PLATFORM, { subject, version, stream, revision });
      return { state: { open: [...before.state.open, row] }, rows: [...before.rows, row] };
    }
    case 'DeadLetterRetried':
    case 'DeadLetterDiscarded': {
      const { stream, revision } = event.data;
      return resolved(state, event, (row) => row['stream'] === stream && row['revision'] === revision);
    }
    // Letters of versions that nobody works on any more wait for nobody.
    case 'ProjectionSwitched':
      return resolved(state, event, (row) => row['version'] === event.data.from);
    case 'ProjectionRebuildAbandoned':
    case 'ProjectionVersionRetired':
      return resolved(state, event, (row) => row['version'] === event.data.version);
    case 'ProjectionRebuildRequested':
      return 'ignore';
  }
}
