import { z } from 'zod';
import {
  actorSchema,
  afterParameter,
  idSchema,
  limitParameter,
  pageOf,
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

export const auditRoutes = routesUnder('Audit', {
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    side: 'query',
    permission: 'audit:read',
    summary: 'List what happened, the newest first',
    description:
      'Every event of your tenant; with the permission `platform`, of all tenants. Reading it is itself recorded.',
    query: z.strictObject({
      kind: repeatedParameter(z.string().regex(/^[a-z]{1,32}$/)).optional(),
      type: repeatedParameter(typeSchema).optional(),
      stream: z.string().min(1).max(300).optional(),
      actor: z.string().min(1).max(200).optional().meta({ description: "The actor's id." }),
      tenant: idSchema.optional().meta({ description: 'Needs the permission `platform`, unless it is your own.' }),
      from: timeParameter.optional().meta({ description: 'Recorded at or after.' }),
      to: timeParameter.optional().meta({ description: 'Recorded before.' }),
      limit: limitParameter,
      after: afterParameter,
    }),
    answers: pageOf('AuditEventList', auditEventSchema, 'A page of events.', example),
    problems: ['search-timed-out'],
  },
} as const satisfies RouteTable);
