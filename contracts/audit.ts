import { z } from 'zod';
import {
  actorSchema,
  beforeParameter,
  afterParameter,
  idSchema,
  limitParameter,
  pageBothWays,
  repeatedParameter,
  revisionSchema,
  shownAs,
  timeParameter,
  timeSchema,
} from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

const originSchema = z
  .union([z.object({ address: z.string(), client: z.string().nullable() }), z.enum(['[erased]', '[unreadable]'])])
  .nullable()
  .meta({ description: 'From which network address and program it came; null for what Defter did by itself.' });

/** An event by all but what it says. */
export const eventHeadSchema = z
  .object({
    id: z.string(),
    kind: z.string().meta({ description: 'What it is about: `model`, `member`, `apikey` and so on.' }),
    type: z.string(),
    stream: z.string(),
    revision: revisionSchema,
    position: z
      .string()
      .regex(/^[0-9]{1,20}$/)
      .meta({ description: 'In the whole log; a 64-bit number as text.' }),
    tenantId: z.string(),
    actor: actorSchema,
    correlationId: z.string(),
    causationId: z.string(),
    recordedAt: timeSchema,
  })
  .meta({ id: 'EventHead' });
export type EventHeadView = z.infer<typeof eventHeadSchema>;

/** `longest` is up to where content is shown. */
export const eventDataSchema = (longest: string) =>
  z.record(z.string(), z.unknown()).meta({
    description: `What it says. In the place of a secret stands \`[secret]\`, of content that you may not read or that is longer than ${longest} \`[content]\`, of what was erased \`[erased]\`, and of what cannot be read any more \`[unreadable]\`.`,
  });

export const auditEventSchema = eventHeadSchema
  .extend({
    data: eventDataSchema('2,000 bytes'),
    origin: originSchema,
  })
  .meta({ id: 'AuditEvent' });
export type AuditEventView = z.infer<typeof auditEventSchema>;

export const typeSchema = z.string().regex(/^[A-Z][A-Za-z]{0,63}$/, 'Must be the name of an event type');
const kindSchema = z.string().regex(/^[a-z]{1,32}$/, 'Must be a kind of thing, such as model');

/** As text in a query. */
const flagParameter = z.enum(['true', 'false']).transform((text) => text === 'true');

/** What narrows down events, whoever's. */
const whatAndWhen = {
  kind: repeatedParameter(kindSchema)
    .optional()
    .meta({ description: 'What it is about, such as `model` or `apikey`; several by repeating it.' }),
  type: repeatedParameter(typeSchema)
    .optional()
    .meta({ description: 'The type of event, such as `ModelDefaultsSet`; several by repeating it.' }),
  from: timeParameter.optional().meta({ description: 'Recorded at or after.' }),
  to: timeParameter.optional().meta({ description: 'Recorded before.' }),
  reads: flagParameter.default(false).meta({
    override: shownAs({ type: 'boolean', default: false }),
    description: 'Also who read the audit (`AuditRead`). Asking for that type or its kind shows them, too.',
  }),
};

const filters = {
  ...whatAndWhen,
  stream: z.string().min(1).max(300).optional().meta({ description: 'Of this one thing.' }),
  actor: z.string().min(1).max(200).optional().meta({ description: "The actor's id." }),
  actorKind: actorSchema.shape.kind
    .optional()
    .meta({ description: 'Together with `actor`: a person and a key may have one id.' }),
  tenant: idSchema.optional().meta({ description: 'Needs the permission `platform`, unless it is your own.' }),
  q: z.string().min(1).max(500).optional().meta({
    description:
      'Words that all occur in names, reasons, settings and ids, of people, tenants, keys, models and the rest, without regard to case and accents; one that ends with `*` stands for all that begin so. What inferences say, secrets, and who read the audit are not searched.',
  }),
};

const page = {
  order: z.enum(['desc', 'asc']).default('desc').meta({ description: 'The newest first, or the oldest.' }),
  limit: limitParameter,
  after: afterParameter,
  before: beforeParameter,
};

const example = {
  id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  kind: 'tenant',
  type: 'TenantLimitsSet',
  stream: 'tenant-default',
  revision: 3,
  position: '1024',
  tenantId: 'default',
  actor: { kind: 'api-key', id: '0198a2f47c1e' },
  data: { requestsPerMinute: 600 },
  origin: { address: '192.0.2.7', client: 'curl/8.9.1' },
  correlationId: '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
  causationId: '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
  recordedAt: '2026-08-01T09:30:00.000Z',
};

const searchedSchema = z
  .object({
    words: z.array(z.string()).meta({ description: 'What was looked for: the words of `q` as they are indexed.' }),
    differentWords: z.number().int().meta({ description: 'Of each event so many are indexed at most.' }),
    inferences: z.literal(false).meta({ description: 'What is asked of models and answered is found elsewhere.' }),
    reads: z.literal(false).meta({ description: 'Who read the audit is found by no words.' }),
  })
  .meta({ id: 'SearchedAudit', description: 'With `q`: what the search covered.' });

const pageOfEvents = pageBothWays('AuditEventList', auditEventSchema, 'A page of events.', example);

const searchedPage = {
  200: {
    ...pageOfEvents[200],
    schema: pageOfEvents[200].schema
      .extend({ searched: searchedSchema.optional() })
      .meta({ id: 'SearchedAuditEventList' }),
  },
};

const PAGES =
  'A page may hold fewer than `limit` where its events are large; `next` says whether more follow. `previous` asks for what is before the first event of a page, on the first page for what has come since: an empty page then gives the `previous` to ask by again.';

const BUCKETS = 'Must be a whole number from 1 to 400';

const histogramSchema = z
  .object({
    object: z.literal('histogram'),
    from: timeSchema,
    to: timeSchema,
    bucketMs: z.number().int().positive().meta({ description: 'How long each is, in milliseconds.' }),
    buckets: z.array(
      z.object({
        start: timeSchema,
        counts: z.record(z.string(), z.number().int()).meta({ description: 'By kind; none where there were none.' }),
        total: z.number().int(),
      }),
    ),
  })
  .meta({ id: 'AuditHistogram' });
export type HistogramView = z.infer<typeof histogramSchema>;

export const auditRoutes = routesUnder('Audit', {
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    side: 'query',
    permission: 'audit:read',
    summary: 'List what happened, the newest first',
    description: `Every event of your tenant, with what it says; with the permission \`platform\`, of all tenants. Reading it is itself recorded before it is answered; where that cannot be done the answer is 503. ${PAGES}`,
    query: z.strictObject({ ...filters, ...page }),
    answers: searchedPage,
    problems: ['search-timed-out'],
  },
  countAudit: {
    method: 'GET',
    path: '/v1/audit/histogram',
    side: 'query',
    permission: 'audit:read',
    summary: 'Count what happened over time, by kind',
    description:
      'How many events of each kind there were in each of at most `buckets` stretches of time of one round width. The first and the last may reach beyond the range; only what lies in it counts.',
    query: z.strictObject({
      kind: whatAndWhen.kind,
      type: whatAndWhen.type,
      tenant: filters.tenant,
      reads: whatAndWhen.reads,
      from: timeParameter.optional().meta({ description: 'Recorded at or after; a day before `to` unless named.' }),
      to: timeParameter.optional().meta({ description: 'Recorded before; now unless named.' }),
      buckets: z
        .string()
        .regex(/^[0-9]{1,3}$/, BUCKETS)
        .transform(Number)
        .refine((count) => count >= 1 && count <= 400, BUCKETS)
        .default(100)
        .meta({
          override: shownAs({ type: 'integer', minimum: 1, maximum: 400, default: 100 }),
          description: 'How many at most.',
        }),
    }),
    answers: {
      200: {
        description: 'The counts.',
        schema: histogramSchema,
        example: {
          object: 'histogram',
          from: '2026-08-01T00:00:00.000Z',
          to: '2026-08-01T02:00:00.000Z',
          bucketMs: 3_600_000,
          buckets: [
            { start: '2026-08-01T00:00:00.000Z', counts: {}, total: 0 },
            { start: '2026-08-01T01:00:00.000Z', counts: { inference: 41, tenant: 1 }, total: 42 },
          ],
        },
      },
    },
    problems: ['search-timed-out'],
  },
  exportAudit: {
    method: 'GET',
    path: '/v1/audit/export',
    side: 'query',
    permission: 'audit:read',
    summary: 'Export what happened, the oldest first',
    description:
      'As the list, whole and streamed, with the same filters: what was on the list when it began. An export that fails, or that nobody reads for a minute, is cut off without a proper end: what a client has then is not the whole.',
    query: z.strictObject({
      ...filters,
      format: z.enum(['ndjson', 'csv']).default('ndjson').meta({
        description: '`ndjson`: an event as on the list on each line. `csv`: `data` is JSON text in one column.',
      }),
    }),
    answers: {
      200: {
        description: 'The events.',
        contentType: 'application/x-ndjson',
        schema: z.string().meta({ description: 'An `AuditEvent` on each line.' }),
        example: `${JSON.stringify(example)}\n`,
        alternatives: {
          'text/csv': {
            schema: z.string(),
            example:
              'position,recordedAt,kind,type,tenantId,actorKind,actorId,stream,revision,data,address,client,id,correlationId,causationId\r\n',
          },
        },
      },
    },
    problems: ['search-timed-out', 'too-many-requests'],
  },
  listUserActivity: {
    method: 'GET',
    path: '/v1/users/{id}/activity',
    side: 'query',
    permission: 'audit:read',
    summary: 'List what a person did, the newest first',
    description: `As \`GET /v1/audit\` with the person as its actor; of someone who has or had no part in your tenant it is 404. How they sign in is the platform's to see. ${PAGES}`,
    params: z.object({ id: idSchema }),
    query: z.strictObject({ ...whatAndWhen, ...page }),
    answers: pageOfEvents,
    problems: ['search-timed-out'],
  },
  listMyActivity: {
    method: 'GET',
    path: '/v1/me/activity',
    side: 'query',
    anyCaller: true,
    summary: 'List what you did, the newest first',
    description: `What this person or key did in the tenant of the request; of a person also how they signed in and changed their account. Reading it is not recorded. ${PAGES}`,
    query: z.strictObject({ ...whatAndWhen, ...page }),
    answers: pageOfEvents,
    problems: ['search-timed-out'],
  },
} as const satisfies RouteTable);
