import { z } from 'zod';
import { auditEventSchema, eventDataSchema, typeSchema } from './audit.ts';
import { idSchema, limitParameter, repeatedParameter, revisionSchema, timeSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

/** As a caller names it. */
export type MomentAsked = { readonly position: bigint } | { readonly time: number };

const POSITION = /^p?([0-9]{1,19})$/;

/** `998201`, `p998201`, or a time in UTC; undefined for what is none of them. */
export function readMoment(text: string): MomentAsked | undefined {
  const [, position] = POSITION.exec(text) ?? [];
  if (position !== undefined) return { position: BigInt(position) };
  const time = timeSchema.safeParse(text);
  return time.success ? { time: Date.parse(time.data) } : undefined;
}

const NO_MOMENT = 'Must be a position in the log, such as 998201, or a time in UTC, such as 2026-08-01T09:30:00Z';

// Each says the whole: what is wrong with only one of them is told in the words of that one.
const momentParameter = z
  .union([z.string().regex(POSITION, NO_MOMENT), z.iso.datetime({ message: NO_MOMENT })], { error: NO_MOMENT })
  .meta({ description: 'A position in the log, or a time in UTC: the last event recorded by then.' });

const positionSchema = z
  .string()
  .regex(/^[0-9]{1,20}$/)
  .meta({ description: 'In the whole log; a 64-bit number as text.' });

const momentSchema = z
  .object({
    position: positionSchema,
    time: timeSchema.nullable().meta({ description: 'When its last event was recorded; null before the first.' }),
  })
  .meta({ id: 'Moment' });
export type MomentView = z.infer<typeof momentSchema>;

const changeSchema = z
  .object({
    path: z.string().meta({ description: 'A JSON pointer (RFC 6901) into the state; empty for the whole.' }),
    op: z.enum(['added', 'removed', 'changed']),
    from: z.unknown().optional().meta({ description: 'What was there before; left out where it was added.' }),
    to: z.unknown().optional().meta({ description: 'What is there after; left out where it was removed.' }),
  })
  .meta({ id: 'Change' });

const changesSchema = z.array(changeSchema).meta({
  description: 'What is not the same, member by member. Lists are compared place by place.',
});

/** As the values of events are shown: `[secret]`, `[content]` without the permission to read it, `[erased]`. */
const stateSchema = z.unknown().meta({
  description:
    'What the events up to then add up to; null before the first. Secrets are `[secret]`, what was erased is `[erased]`, and content is `[content]` to whoever may not read it.',
});

const kindSchema = z.string().meta({ description: 'The kind of thing that the stream is the history of.' });

const entitySchema = z
  .object({
    kind: kindSchema,
    id: z.string().meta({ description: "What stands after the kind in the stream's name." }),
    stream: z.string(),
    revision: revisionSchema,
    changedAt: z
      .object({ position: positionSchema, time: timeSchema })
      .meta({ description: 'Its last event by then.' }),
    state: stateSchema,
  })
  .meta({ id: 'EntityThen' });
export type EntityView = z.infer<typeof entitySchema>;

const personSchema = z
  .object({
    id: idSchema,
    name: z.string().nullable(),
    email: z.string(),
    language: z.string(),
    status: z.string(),
  })
  .meta({ id: 'PersonThen' });
export type PersonThenView = z.infer<typeof personSchema>;

const sessionSchema = z
  .object({ id: z.string(), userId: z.string(), startedAt: timeSchema, refreshedAt: timeSchema })
  .meta({ id: 'SessionThen' });
export type SessionThenView = z.infer<typeof sessionSchema>;

const nextSchema = z
  .string()
  .nullable()
  .meta({ description: 'Goes into `after` for what follows; null when this is all.' });

const thingsThen = {
  tenant: stateSchema,
  entities: z.array(entitySchema).meta({
    description: 'All that the tenant had then: members and their roles, keys, models, credentials; by kind, then age.',
  }),
  next: nextSchema,
};

const tenantThenSchema = z
  .object({
    object: z.literal('tenant-as-of'),
    tenantId: idSchema,
    moment: momentSchema,
    ...thingsThen,
    people: z.array(personSchema).meta({ description: 'Those who were active members.' }),
    sessions: z.array(sessionSchema).meta({ description: 'Of those people, as far as they went on; at most 20,000.' }),
    sessionsTruncated: z.boolean().meta({ description: 'There may be more sessions; the newest are left out.' }),
  })
  .meta({ id: 'TenantAsOf' });

const streamEventSchema = auditEventSchema
  .extend({ data: eventDataSchema('65,536 bytes'), changes: changesSchema.optional() })
  .meta({ id: 'StreamEvent', description: 'With `include=states` also what it changed.' });

const example = {
  moment: { position: '998201', time: '2026-08-01T09:30:00.000Z' },
  change: { path: '/model/defaults/temperature', op: 'changed', from: '0.2', to: '0.7' },
  event: {
    id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
    kind: 'model',
    type: 'ModelDefaultsSet',
    stream: 'model-acme-writer',
    revision: 1,
    position: '998201',
    tenantId: 'acme',
    actor: { kind: 'user', id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f' },
    data: { defaults: { temperature: '0.7' } },
    origin: { address: '192.0.2.7', client: 'curl/8.9.1' },
    correlationId: '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
    causationId: '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
    recordedAt: '2026-08-01T09:30:00.000Z',
  },
  entity: {
    kind: 'model',
    id: 'acme-writer',
    stream: 'model-acme-writer',
    revision: 1,
    changedAt: { position: '998201', time: '2026-08-01T09:30:00.000Z' },
    state: { status: 'registered', model: { owner: 'acme', defaults: { temperature: '0.7' } } },
  },
} as const;

const tenantThenExample = {
  object: 'tenant-as-of',
  tenantId: 'acme',
  moment: example.moment,
  tenant: { status: 'active', name: 'Acme', createdAt: 1_785_576_600_000, reason: null, requestsPerMinute: null },
  entities: [example.entity],
  people: [],
  sessions: [],
  sessionsTruncated: false,
  next: null,
};

const stream = z.object({
  stream: z.string().min(1).max(1_000).meta({
    description:
      'The name of a stream, as the audit tells it. Where it ends with `/diff`, that slash must be written as `%2F`.',
  }),
});
const tenant = z.object({ id: idSchema });
const afterEntity = z
  .string()
  .min(1)
  .max(512)
  .optional()
  .meta({ description: 'The `next` of the answer before, for the same moment.' });

export const replayRoutes = routesUnder('Replay', {
  getStream: {
    method: 'GET',
    path: '/v1/streams/{stream}',
    side: 'query',
    anyCaller: true,
    summary: 'Read the history of one thing, and how it was at a moment',
    description:
      'Needs `audit:read`, for an inference `inference:read` instead, in its own tenant. The events of a stream up to a moment, and what they add up to. Events of old versions read as if written today. Reading it is itself recorded, but for an inference.',
    params: stream,
    slashes: 'stream',
    query: z.strictObject({
      at: momentParameter.optional().meta({ description: 'Now, unless given.' }),
      include: z.literal('states').optional().meta({ description: 'Also what each event changed.' }),
      order: z.enum(['asc', 'desc']).default('asc'),
      limit: limitParameter,
      after: z
        .string()
        .regex(/^[0-9]{1,15}$/, 'Must be a `next` that a page gave')
        .optional()
        .meta({ description: 'The `next` of the page before.' }),
    }),
    answers: {
      200: {
        description: 'The stream as it was.',
        schema: z
          .object({
            object: z.literal('stream'),
            stream: z.string(),
            kind: kindSchema,
            tenantId: z.string(),
            revision: z.number().int().min(-1).meta({ description: 'Of its last event by then; -1 before the first.' }),
            moment: momentSchema,
            state: stateSchema,
            data: z.array(streamEventSchema),
            next: z.string().nullable(),
          })
          .meta({ id: 'StreamThen' }),
        example: {
          object: 'stream',
          stream: 'model-acme-writer',
          kind: 'model',
          tenantId: 'acme',
          revision: 1,
          moment: example.moment,
          state: example.entity.state,
          data: [{ ...example.event, changes: [example.change] }],
          next: null,
        },
      },
    },
    problems: ['search-timed-out'],
  },
  diffStream: {
    method: 'GET',
    path: '/v1/streams/{stream}/diff',
    side: 'query',
    anyCaller: true,
    summary: 'Compare one thing at two moments',
    description:
      'Needs `audit:read`, for an inference `inference:read` instead. Reading it is itself recorded, but for an inference.',
    params: stream,
    slashes: 'stream',
    query: z.strictObject({
      from: momentParameter,
      to: momentParameter.optional().meta({ description: 'Now, unless given.' }),
    }),
    answers: {
      200: {
        description: 'What is not the same.',
        schema: z
          .object({
            object: z.literal('diff'),
            from: z.object({ moment: momentSchema, revision: z.number().int().min(-1) }),
            to: z.object({ moment: momentSchema, revision: z.number().int().min(-1) }),
            changes: changesSchema,
          })
          .meta({ id: 'StreamDiff' }),
        example: {
          object: 'diff',
          from: { moment: { position: '1024', time: '2026-07-31T16:00:00.000Z' }, revision: 0 },
          to: { moment: example.moment, revision: 1 },
          changes: [example.change],
        },
      },
    },
    problems: ['search-timed-out'],
  },
  getTenantAsOf: {
    method: 'GET',
    path: '/v1/tenants/{id}/as-of',
    side: 'query',
    permission: 'audit:read',
    tenantFrom: { path: 'id' },
    summary: 'Read a whole tenant as it was at a moment',
    description:
      'Its name and limits, members and roles, keys, models and their defaults, the names of its credentials, and the sessions of its people: each folded from its events up to then; up to 5,000 of them, or 16 MiB, at a time. Reading it is itself recorded.',
    params: tenant,
    query: z.strictObject({
      at: momentParameter.optional().meta({ description: 'Now, unless given.' }),
      after: afterEntity,
    }),
    answers: {
      200: { description: 'The tenant as it was.', schema: tenantThenSchema, example: tenantThenExample },
    },
    problems: ['search-timed-out'],
  },
  diffTenant: {
    method: 'GET',
    path: '/v1/tenants/{id}/diff',
    side: 'query',
    permission: 'audit:read',
    tenantFrom: { path: 'id' },
    summary: 'Compare a tenant at two moments',
    description:
      'What was added, removed and changed between them of all that the tenant has. Reading it is itself recorded.',
    params: tenant,
    query: z.strictObject({
      from: momentParameter,
      to: momentParameter.optional().meta({ description: 'Now, unless given.' }),
      after: afterEntity,
    }),
    answers: {
      200: {
        description: 'What is not the same.',
        schema: z
          .object({
            object: z.literal('tenant-diff'),
            tenantId: idSchema,
            from: momentSchema,
            to: momentSchema,
            entities: z.array(
              z.object({
                kind: kindSchema,
                id: z.string(),
                stream: z.string(),
                op: z.enum(['added', 'removed', 'changed']),
                changes: changesSchema,
              }),
            ),
            next: nextSchema,
          })
          .meta({ id: 'TenantDiff' }),
        example: {
          object: 'tenant-diff',
          tenantId: 'acme',
          from: { position: '1024', time: '2026-07-31T16:00:00.000Z' },
          to: example.moment,
          entities: [
            { kind: 'model', id: 'acme-writer', stream: 'model-acme-writer', op: 'changed', changes: [example.change] },
          ],
          next: null,
        },
      },
    },
    problems: ['search-timed-out'],
  },
  getTenantHistory: {
    method: 'GET',
    path: '/v1/tenants/{id}/history',
    side: 'query',
    permission: 'audit:read',
    tenantFrom: { path: 'id' },
    summary: 'Read what became of a tenant, step by step',
    description:
      'The tenant as it was at `from`, and up to 500 events after it (fewer where they are more than 4 MiB), each with what it made of its thing: a client that puts the states in their places has the tenant at every moment of the window. Reading it is itself recorded, once.',
    params: tenant,
    query: z.strictObject({
      from: momentParameter,
      to: momentParameter.optional().meta({ description: 'Now, unless given.' }),
      type: repeatedParameter(typeSchema)
        .optional()
        .meta({ description: 'Only steps of these types; what they say of their things is the same.' }),
    }),
    answers: {
      200: {
        description: 'The first state and the steps.',
        schema: z
          .object({
            object: z.literal('tenant-history'),
            tenantId: idSchema,
            from: momentSchema,
            to: momentSchema,
            first: z.object(thingsThen).meta({
              description:
                'The tenant as it was at `from`. Where `next` is not null, `as-of` at that moment has the rest.',
            }),
            steps: z.array(
              z.object({
                event: auditEventSchema,
                kind: kindSchema,
                id: z.string(),
                isThere: z.boolean().meta({ description: 'Whether the tenant has it after this event.' }),
                state: stateSchema,
                changes: changesSchema,
              }),
            ),
            truncated: z.boolean().meta({ description: 'The window has more steps than are shown.' }),
            next: positionSchema
              .nullable()
              .meta({ description: 'Goes into `from` for the steps that follow; null when these are all.' }),
          })
          .meta({ id: 'TenantHistory' }),
        example: {
          object: 'tenant-history',
          tenantId: 'acme',
          from: example.moment,
          to: example.moment,
          first: { tenant: tenantThenExample.tenant, entities: [example.entity], next: null },
          steps: [
            {
              event: example.event,
              kind: 'model',
              id: 'acme-writer',
              isThere: true,
              state: example.entity.state,
              changes: [example.change],
            },
          ],
          truncated: false,
          next: null,
        },
      },
    },
    problems: ['search-timed-out'],
  },
} as const satisfies RouteTable);
