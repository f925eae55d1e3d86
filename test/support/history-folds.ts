// What the read models must say, folded from the log alone.

import { viewApiKey, viewModel, viewTenant } from '#contracts/views.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { inferences } from '#events/inference.ts';
import { models, PLATFORM } from '#events/model.ts';
import { type Standing, evolveStanding, hasStanding, isThere, ownerOf, standingKey } from '#events/standing.ts';
import { categoryOf, subjectOf } from '#events/streams.ts';
import { modelStateOf, registeredModel, usableModel } from '#events/usable-model.ts';
import { idOfNumber } from '#platform/search-index/search-index.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import { entitiesReadModel, STILL_THERE } from '../../projectors/entities/read-model.ts';
import { inferenceKey, inferenceReadModel } from '../../projectors/inference/read-model.ts';
import { inferencesReadModel } from '../../projectors/inferences/read-model.ts';
import { notificationsReadModel, type OpenNotifications } from '../../projectors/notifications/read-model.ts';
import { byStream } from './history-log-checks.ts';
import type { History, IndexRow, ReadModels, Row } from './history.ts';

const isoTime = (ms: number) => new Date(ms).toISOString();

export function foldReadModels({
  log,
  viewer,
  readModels,
}: Pick<History, 'log' | 'viewer' | 'readModels'>): ReadModels {
  const streams = [...byStream(log)];
  const inferences = streams.flatMap(([stream, events]) => inferenceRow(stream, events));
  const ofTenant = inferences.filter(({ tenantId }) => tenantId === viewer.tenantId).map(({ row }) => row);
  const withStatus = (status: string) => ofTenant.filter((row) => row['status'] === status);
  const standings = streams.flatMap(([stream, events]) => standingOf(stream, events));
  return {
    inferences: ofTenant,
    lists: {
      all: ofTenant,
      queued: withStatus('queued'),
      completed: withStatus('completed'),
      failed: withStatus('failed'),
      cancelled: withStatus('cancelled'),
    },
    // Who reads the audit is not on it unless it is asked for.
    audit: log
      .filter(({ type }) => type !== 'AuditRead')
      .map(auditRow)
      .toReversed(),
    keys: standings.flatMap(({ id, standing }) =>
      standing.of === 'apikey' && standing.state.status === 'active' && standing.state.key.tenantId === viewer.tenantId
        ? [{ ...viewApiKey(id, standing.state.key, false, { now: viewer.now }) }]
        : [],
    ),
    models: modelRows(standings, viewer.tenantId),
    tenants: standings.flatMap(({ id, standing }) =>
      standing.of === 'tenant' ? [{ ...viewTenant(id, standing.state), counts: countsOf(standings, id) }] : [],
    ),
    documents: [
      ...(readModels.includes(inferenceReadModel.name) ? inferences : []).map(({ id, revision, state }) => ({
        key: inferenceKey(id),
        revision,
        value: plain(state),
      })),
      ...standings.map(({ stream, revision, standing }) => ({
        key: standingKey(stream),
        revision,
        value: plain(standing),
      })),
    ],
    rows: [
      ...inferences.map(inferenceIndexRow),
      ...log.map(auditIndexRow),
      ...streams.flatMap(entityIndexRow),
      ...streams.flatMap(notificationRows),
    ],
  };
}

function inferenceIndexRow({ id, position, revision, state }: ReturnType<typeof inferenceRow>[number]): IndexRow {
  const { request, status } = state;
  return {
    key: `${inferencesReadModel.name}/${idOfNumber(position)}`,
    revision,
    fields: {
      inference: id,
      position,
      tenant: request.tenantId,
      status,
      model: request.data.model,
      createdAt: request.at,
      endedAt: status === 'queued' ? null : state.result.at,
    },
  };
}

function auditIndexRow({ type, stream, revision, position, recordedAt, metadata }: RecordedEvent): IndexRow {
  return {
    key: `${auditReadModel.name}/${idOfNumber(Number(position))}`,
    revision,
    fields: {
      tenant: metadata.tenantId,
      type,
      actor: `${metadata.actor.kind}:${metadata.actor.id}`,
      stream,
      recordedAt,
      position: Number(position),
    },
  };
}

function entityIndexRow([stream, events]: readonly [string, readonly RecordedEvent[]]): IndexRow[] {
  if (!hasStanding(stream)) return [];
  const [first, last] = [events[0], events.at(-1)];
  const states: { readonly at: number; readonly there: boolean }[] = [];
  let standing: Standing | undefined;
  for (const event of events) {
    standing = evolveStanding(standing, event);
    if (standing) states.push({ at: Number(event.position), there: isThere(stream, standing) });
  }
  if (!standing || !first || !last) return [];
  const away = states.slice(states.findLastIndex(({ there }) => there) + 1);
  return [
    {
      key: `${entitiesReadModel.name}/${idOfNumber(Number(first.position))}`,
      revision: last.revision,
      fields: {
        owner: ownerOf(stream, standing),
        kind: categoryOf(stream),
        stream,
        born: Number(first.position),
        changed: Number(last.position),
        changedAt: last.recordedAt,
        gone: away[0]?.at ?? STILL_THERE,
      },
    },
  ];
}

function notificationRows([stream, events]: readonly [string, readonly RecordedEvent[]]): IndexRow[] {
  if (!notificationsReadModel.concerns(stream)) return [];
  const rows = new Map<string, IndexRow | undefined>();
  let state: OpenNotifications | undefined;
  for (const event of events) {
    const change = notificationsReadModel.project(state, event);
    if (change === 'ignore') continue;
    state = change.state;
    for (const { id, fields } of change.rows)
      rows.set(
        id,
        fields
          ? {
              key: `${notificationsReadModel.name}/${id}`,
              revision: event.revision,
              fields: { ...NO_FIELDS, ...fields },
            }
          : undefined,
      );
  }
  return [...rows.values()].filter((row) => row !== undefined);
}

/** As an index shows what was left out. */
const NO_FIELDS = Object.fromEntries(Object.keys(notificationsReadModel.index.fields).map((name) => [name, null]));

/** As JSON keeps it. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

function inferenceRow(stream: string, events: readonly RecordedEvent[]) {
  if (categoryOf(stream) !== 'inference') return [];
  const state = events.reduce(inferences.evolve, inferences.initial);
  const revision = events.at(-1)?.revision ?? -1;
  if (state.status === 'absent') return [];
  const { request, status } = state;
  const row: Row = {
    id: subjectOf(stream),
    status,
    model: request.data.model,
    parameters: Object.fromEntries(
      Object.entries(request.data.parameters).map(([name, text]) => [name, JSON.parse(text) as unknown]),
    ),
    createdAt: isoTime(request.at),
    completedAt: status === 'queued' ? null : isoTime(state.result.at),
  };
  const position = Number(events[0]?.position);
  return [{ id: subjectOf(stream), position, tenantId: request.tenantId, revision, state, row }];
}

function standingOf(stream: string, events: readonly RecordedEvent[]) {
  if (!hasStanding(stream)) return [];
  const standing = events.reduce<Standing | undefined>(evolveStanding, undefined);
  const revision = events.at(-1)?.revision ?? -1;
  return standing ? [{ stream, id: subjectOf(stream), revision, standing }] : [];
}

function countsOf(standings: ReturnType<typeof standingOf>, tenantId: string) {
  const count = (isOne: (standing: Standing) => boolean) => standings.filter(({ standing }) => isOne(standing)).length;
  return {
    people: count(
      ({ of, state }) => of === 'member' && state.member.tenantId === tenantId && state.status !== 'revoked',
    ),
    apiKeys: count(({ of, state }) => of === 'apikey' && state.key.tenantId === tenantId && state.status === 'active'),
    models: count(({ of, state }) => of === 'model' && registeredModel(state)?.owner === tenantId),
  };
}

function modelRows(standings: ReturnType<typeof standingOf>, tenantId: string): Row[] {
  const said = new Map(standings.map((one) => [one.stream, one]));
  const names = new Set(
    standings.flatMap(({ standing }) => registeredModel(modelStateOf(standing))?.definition.name ?? []),
  );
  return [...names].flatMap((name) => {
    const [own, shared] = [tenantId, PLATFORM].map((owner) => said.get(models.stream(owner, name)));
    const model = usableModel(tenantId, modelStateOf(own?.standing), modelStateOf(shared?.standing));
    return model ? [{ ...viewModel({ ...model, revision: own?.revision ?? null }, tenantId) }] : [];
  });
}

const auditRow = ({ id, type, stream, revision, position, recordedAt, metadata }: RecordedEvent): Row => ({
  id,
  type,
  stream,
  revision,
  position: String(position),
  tenantId: metadata.tenantId,
  actor: metadata.actor,
  correlationId: metadata.$correlationId,
  causationId: metadata.$causationId,
  recordedAt: isoTime(recordedAt),
});
