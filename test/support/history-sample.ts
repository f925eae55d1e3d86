// A small history in which all is well: something of everything that history-checker.ts looks at.

import type { EventData, EventType } from '#events/aggregates.ts';
import { v5 } from 'uuid';
import { topicOf } from '#events/aggregates.ts';
import { accesses } from '#events/access.ts';
import { apiKeys } from '#events/api-key.ts';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { inferences } from '#events/inference.ts';
import { type ModelDefinition, models } from '#events/model.ts';
import { tenants } from '#events/tenant.ts';
import { partitionName } from '#platform/positions.ts';
import { partitionOfKey } from '#platform/bus/partition.ts';
import { everyReadModel } from '../../projectors/read-models.ts';
import type { RelayedRecord } from './check-relayed.ts';
import { plainContent } from './given-projection.ts';
import { foldReadModels } from './history-folds.ts';
import { tenantThen } from './history-past-checks.ts';
import type { Claim, History, Relayed, RequestOutcome, SentRequest } from './history.ts';

const NAMESPACE = '7d0f6e2c-1a53-5c11-9a35-93f3a1f2c001';
const CONTENT = { keyId: 'default/2026-08-01', sealed: 'c2VhbGVk', blob: null, bytes: 6 };
const viewer = { tenantId: 'default', now: 1_785_600_000_000 };

export type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };

export const claims = {
  requested: { type: 'InferenceRequested', where: { model: 'language-id' } },
  cancelled: { type: 'InferenceCancelled', where: {} },
  issued: { type: 'ApiKeyIssued', where: {} },
  revoked: { type: 'ApiKeyRevoked', where: {} },
  registered: { type: 'ModelRegistered', where: { name: 'rival' } },
  defaults: (top: string): Claim => ({ type: 'ModelDefaultsSet', where: { defaults: { top } } }),
} as const;

/** `by`: the request's id, or undefined for what Defter does by itself. */
export function recorded<const Type extends EventType>(
  log: readonly RecordedEvent[],
  stream: string,
  type: Type,
  data: EventData<Type>,
  by: string,
  system = false,
): RecordedEvent {
  const revision = log.filter((event) => event.stream === stream).length;
  const position = (log.at(-1)?.position ?? 0n) + 1n;
  const id = v5(`${stream} ${revision} ${by}`, NAMESPACE);
  const actor = system ? ({ kind: 'system', id: 'defter' } as const) : ({ kind: 'api-key', id: 'k0' } as const);
  const origin = { eventId: id, commandId: id, tenantId: 'default', actor, correlationId: by };
  return {
    ...createEvent(type, data, origin),
    stream,
    revision,
    position,
    recordedAt: 1_785_500_000_000 + Number(position),
  };
}

export const requestedData = {
  model: 'language-id',
  modelOwner: 'platform',
  form: 'input',
  input: CONTENT,
  parameters: { top: '2' },
  deadline: viewer.now,
} as const;
const completedData = {
  output: CONTENT,
  inputTokens: 1,
  outputTokens: 1,
  cache: 'bypass',
  startedAt: 1,
  attempt: 1,
} as const;
export const failedData = { code: 'crashed', message: CONTENT, attempt: 4 };
export const keyData = (name: string) => ({
  name,
  hash: `hash of ${name}`,
  last4: name,
  scopes: ['platform'],
  expiresAt: null,
  models: null,
  personId: null,
});
export const definition: ModelDefinition = {
  name: 'rival',
  description: '',
  task: 'classification',
  runtime: 'tensorflow',
  source: 'language-id',
  upstreamModel: null,
  credentialId: null,
  parameters: [],
  anyParameter: false,
  maxInputChars: 10,
  maxBatch: 1,
  maxDelayMs: 0,
  timeoutMs: 1_000,
  memoryBytes: 1,
};

export function sent(
  request: string,
  claim: Claim,
  outcome: RequestOutcome,
  more: Partial<SentRequest> = {},
): SentRequest {
  return {
    request,
    command: request,
    body: request,
    what: `request for ${claim.type}`,
    claim,
    mayChangeNothing: false,
    outcome,
    ...more,
  };
}

export const acknowledged = (stream: string, revision: number): RequestOutcome => ({
  as: 'acknowledged',
  status: 202,
  token: `token of ${stream}@${revision}`,
  stream,
  revision,
});
export const unknown: RequestOutcome = { as: 'unknown', why: 'no answer' };
const keyReused: RequestOutcome = { as: 'refused', status: 422, code: 'idempotency-key-reused' };

export const streams = {
  tenant: tenants.stream('default'),
  plain: inferences.stream('plain'),
  retried: inferences.stream('retried'),
  unanswered: inferences.stream('unanswered'),
  cancelled: inferences.stream('cancelled'),
  rival: inferences.stream('rival'),
  revokedKey: apiKeys.stream('k1'),
  key: apiKeys.stream('k2'),
  model: models.stream('default', 'rival'),
  accesses: accesses.stream('default', '2026-08-01'),
} as const;

export const auditRead = { route: 'listAudit', query: plainContent({}), tenant: 'default' } as const;

/** The parts of a good history, to be broken before `assemble` makes the rest of it. */
export interface HistoryParts {
  log: RecordedEvent[];
  requests: SentRequest[];
  reads: History['reads'][number][];
}

export function sampleParts(): HistoryParts {
  const log: RecordedEvent[] = [];
  const write = <const Type extends EventType>(
    stream: string,
    type: Type,
    data: EventData<Type>,
    by: string,
    system = false,
  ) => void log.push(recorded(log, stream, type, data, by, system));
  write(streams.tenant, 'TenantCreated', { name: 'default' }, 'first start', true);
  write(streams.plain, 'InferenceRequested', requestedData, 'r1');
  write(streams.retried, 'InferenceRequested', requestedData, 'r2');
  write(streams.plain, 'InferenceCompleted', completedData, 'r1', true);
  write(streams.unanswered, 'InferenceRequested', requestedData, 'r4');
  write(streams.retried, 'InferenceFailed', failedData, 'r2', true);
  write(streams.cancelled, 'InferenceRequested', requestedData, 'r6');
  write(streams.cancelled, 'InferenceCancelled', {}, 'r7');
  write(streams.unanswered, 'InferenceCompleted', completedData, 'r4', true);
  write(streams.rival, 'InferenceRequested', requestedData, 'r8');
  write(streams.rival, 'InferenceCompleted', completedData, 'r8', true);
  write(streams.revokedKey, 'ApiKeyIssued', keyData('one'), 'r10');
  write(streams.key, 'ApiKeyIssued', keyData('two'), 'r11');
  write(streams.revokedKey, 'ApiKeyRevoked', {}, 'r12');
  write(streams.accesses, 'AuditRead', auditRead, 'q12');
  write(streams.model, 'ModelRegistered', definition, 'r13');
  write(streams.model, 'ModelDefaultsSet', { defaults: { top: '1' } }, 'r14');

  const requests = [
    sent('r1', claims.requested, acknowledged(streams.plain, 0)),
    sent('r2', claims.requested, unknown, { command: 'key-1', body: 'b1' }),
    sent('r3', claims.requested, acknowledged(streams.retried, 0), { command: 'key-1', body: 'b1' }),
    sent('r4', claims.requested, unknown),
    sent('r5', claims.requested, unknown),
    sent('r6', claims.requested, acknowledged(streams.cancelled, 0)),
    sent('r7', claims.cancelled, acknowledged(streams.cancelled, 1), { mayChangeNothing: true }),
    sent('r8', claims.requested, acknowledged(streams.rival, 0), { command: 'key-2', body: 'b2' }),
    sent('r9', claims.requested, keyReused, { command: 'key-2', body: 'b3' }),
    sent('r10', claims.issued, acknowledged(streams.revokedKey, 0)),
    sent('r11', claims.issued, acknowledged(streams.key, 0)),
    sent('r12', claims.revoked, acknowledged(streams.revokedKey, 1), { mayChangeNothing: true }),
    sent('r13', claims.registered, acknowledged(streams.model, 0), { mayChangeNothing: true }),
    sent('r14', claims.defaults('1'), acknowledged(streams.model, 1), { mayChangeNothing: true }),
    // The same again: nothing to do.
    sent('r15', claims.defaults('1'), acknowledged(streams.model, 1), { mayChangeNothing: true }),
  ];
  const reads: HistoryParts['reads'] = [
    {
      request: 'q1',
      what: 'read by id',
      token: [{ stream: streams.plain, revision: 0 }],
      seen: [{ stream: streams.plain, shows: 'revision', revision: 1, status: 'completed' }],
    },
    {
      request: 'q2',
      what: 'read of the model',
      token: [{ stream: streams.model, revision: 1 }],
      seen: [{ stream: streams.model, shows: 'revision', revision: 1 }],
    },
    {
      request: 'q3',
      what: 'list of keys',
      token: [
        { stream: streams.revokedKey, revision: 1 },
        { stream: streams.key, revision: 0 },
      ],
      seen: [
        { stream: streams.revokedKey, shows: 'nothing' },
        { stream: streams.key, shows: 'alive' },
      ],
    },
  ];
  reads.push({ request: 'q12', what: 'audit', token: [], seen: [], audited: true });
  return { log, requests, reads };
}

/** The read models are folded from the log as it is now. */
const readModels = everyReadModel.map(({ name }) => name);

export const assemble = ({ log, requests, reads }: HistoryParts): Mutable<History> => ({
  log,
  requests,
  reads,
  happenings: [],
  models: {
    ...foldReadModels({ log, viewer, readModels }),
    asOf: [log.at(-1), log.at(-2)].map((event) => tenantThen(log, viewer.tenantId, String(event?.position))),
  },
  readModels,
  relayed: relayAll(log),
  letters: [{ group: 'audit.1', stream: streams.plain, error: 'the index said no', stands: false }],
  viewer,
});

const PARTITIONS = 2;

/** As the relay would: each event once, in the order of the log. */
function relayAll(log: readonly RecordedEvent[]): Relayed {
  const records: Record<string, RelayedRecord[]> = {};
  const once = [...new Map(log.map((event) => [event.id, event])).values()];
  for (const { id, type, stream, revision, position, data } of once.sort((a, b) => Number(a.position - b.position))) {
    const place = partitionName(topicOf(stream) ?? '', partitionOfKey(stream, PARTITIONS));
    (records[place] ??= []).push({ id, type, stream, revision, position, data });
  }
  const checkpoint = log.reduce((most, { position }) => (position > most ? position : most), 0n);
  return { records, checkpoint, partitions: PARTITIONS };
}
