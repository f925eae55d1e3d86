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

export const auditEventSchema = eventHeadSchema
  .extend({
    data: z.record(z.string(), z.unknown()).meta({
      description:
        'What it says. In the place of a secret stands `[secret]`, of content that you may not read or that is longer than 2,000 bytes `[content]`, of what was erased `[erased]`, and of what cannot be read any more `[unreadable]`.',
    }),
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
    override: ({ jsonSchema }) => Object.assign(jsonSchema, { type: 'boolean', default: false }),
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

const pageOfEvents = pageBothWays('AuditEventList', auditEventSchema, 'A page of events.', example);

const PAGES =
  'A page may hold fewer than `limit` where its events are large; `next` and `previous` say whether there are more.';

export const auditRoutes = routesUnder('Audit', {
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    side: 'query',
    permission: 'audit:read',
    summary: 'List what happened, the newest first',
    description: `Every event of your tenant, with what it says; with the permission \`platform\`, of all tenants. Reading it is itself recorded before it is answered; where that cannot be done the answer is 503. ${PAGES}`,
    query: z.strictObject({ ...filters, ...page }),
    answers: pageOfEvents,
    problems: ['search-timed-out'],
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
