import { z } from 'zod';
import { afterParameter, idSchema, limitParameter, revisionSchema, timeSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

/** Unread ones are not counted beyond this. */
export const MOST_UNREAD = 100;
/** Marked one by one, they are remembered up to so many. */
const MARKED_REMEMBERED = 1_000;

const common = {
  id: idSchema,
  object: z.literal('notification'),
  tenantId: idSchema.meta({ description: 'Whose it is: yours, or `platform`.' }),
  at: timeSchema.meta({ description: 'Since when you are told.' }),
  read: z.boolean().meta({ description: 'By you, or by this key.' }),
  resolvedAt: timeSchema.nullable().meta({ description: 'Since when nothing need be done about it.' }),
};

export const notificationSchema = z
  .discriminatedUnion('kind', [
    z
      .object({
        ...common,
        kind: z.literal('dead-letter'),
        subject: z.string().meta({ description: 'The projection, or the group of workers.' }),
        data: z.object({
          deadLetterId: z.string(),
          version: z.number().int().nullable().meta({ description: 'Of the projection.' }),
          stream: z.string(),
          revision: revisionSchema,
        }),
      })
      .meta({ description: 'An event could not be handled. Told to who holds `platform`.' }),
    z
      .object({
        ...common,
        kind: z.literal('key-expiring'),
        subject: z.string().meta({ description: "The key's id." }),
        data: z.object({ name: z.string(), expiresAt: timeSchema }),
      })
      .meta({
        description:
          'An API key expires within seven days; gone when it is revoked or rotated. Told to who holds `keys:read`.',
      }),
    z
      .object({
        ...common,
        kind: z.literal('model-unhealthy'),
        subject: z.string().meta({ description: "The model's name." }),
        data: z.object({ reason: z.string().meta({ description: 'The code of the failure.' }) }),
      })
      .meta({
        description:
          'Five runs in a row failed for reasons of the model or of its upstream. Told to who holds `models:read`.',
      }),
  ])
  .meta({ id: 'Notification' });
export type NotificationView = z.infer<typeof notificationSchema>;

const listChangeSchema = z
  .object({
    kind: z.string().meta({
      description:
        'What the list is of: `inference`, `model`, `apikey`, `credential`, `member`, `tenant`, `user`, `session`, `admins`, `audit`, `notification`.',
    }),
    count: z.number().int().min(1).meta({ description: 'By how many events, about: some may be told twice.' }),
  })
  .meta({ id: 'ListChange' });
export type ListChange = z.infer<typeof listChangeSchema>;

/** One event, its fields read and its data parsed. */
export const notificationEventSchema = z
  .discriminatedUnion('event', [
    z
      .object({ event: z.literal('ready'), data: z.object({}) })
      .meta({ description: 'First: what changes from now on is told. Read your lists after it.' }),
    z.object({ event: z.literal('changed'), data: z.object({ changes: z.array(listChangeSchema) }) }).meta({
      description: 'Lists have changed, and show it by now. At most one a second, with all that changed since.',
    }),
  ])
  .meta({
    id: 'NotificationEvent',
    description: 'One event of the stream, by its fields `event` and `data`.',
  });

export const markReadSchema = z
  .strictObject({
    ids: z
      .array(idSchema)
      .min(1)
      .max(100)
      .optional()
      .meta({ description: `These; the last ${MARKED_REMEMBERED} marked by id are remembered.` }),
    upTo: timeSchema.optional().meta({
      description:
        'All until then, of the tenants whose you are shown: send the `upTo` of the list that you have read. A time to come means now.',
    }),
  })
  .refine(({ ids, upTo }) => ids !== undefined || upTo !== undefined, 'Must name ids or upTo')
  .meta({ id: 'MarkNotificationsRead', minProperties: 1 });

const example = {
  id: '00000000000000001024',
  object: 'notification',
  tenantId: 'default',
  kind: 'key-expiring',
  at: '2026-08-01T09:30:00.000Z',
  subject: '0198a2f47c1e',
  data: { name: 'ci', expiresAt: '2026-08-08T09:30:00.000Z' },
  read: false,
  resolvedAt: null,
};

const streamExample = [
  { event: 'ready', data: {} },
  {
    event: 'changed',
    data: {
      changes: [
        { kind: 'inference', count: 12 },
        { kind: 'audit', count: 24 },
      ],
    },
  },
]
  .map(({ event, data }) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  .join('');

export const notificationRoutes = routesUnder('Notifications', {
  listNotifications: {
    method: 'GET',
    path: '/v1/notifications',
    side: 'query',
    anyCaller: true,
    summary: 'List what you are told of, the newest first',
    description:
      'Each is for who may act on it: you see those of your tenant, and with the permission `platform` the installation’s.',
    query: z.strictObject({
      unread: z.enum(['true', 'false']).optional().meta({ description: '`true`: those alone that you have not read.' }),
      limit: limitParameter,
      after: afterParameter,
    }),
    answers: {
      200: {
        description: 'A page of notifications.',
        schema: z
          .object({
            object: z.literal('list'),
            data: z.array(notificationSchema),
            next: z.string().nullable(),
            upTo: timeSchema.nullable().meta({
              description:
                'What to send to mark these as read, and all before them: the time of the newest of this page; null where it is empty.',
            }),
            unread: z
              .number()
              .int()
              .min(0)
              .max(MOST_UNREAD)
              .meta({ description: `How many you have not read, of all; ${MOST_UNREAD} stands for as many or more.` }),
          })
          .meta({ id: 'NotificationList' }),
        example: { object: 'list', data: [example], next: null, upTo: example.at, unread: 1 },
      },
    },
  },
  markNotificationsRead: {
    method: 'POST',
    path: '/v1/notifications/read',
    side: 'command',
    anyCaller: true,
    summary: 'Mark notifications as read',
    description:
      'For you, or for this key, alone: those that are named, and all up to a moment. What is read already stays so. What you were not shown yet stays unread if you send the `upTo` of the list that you were shown.',
    body: markReadSchema,
    bodyExample: { upTo: '2026-08-01T09:30:00Z' },
    answers: { 204: { description: 'They are read.', headers: ['x-consistency-token', 'etag'] } },
  },
  followChanges: {
    method: 'GET',
    path: '/v1/notifications/events',
    side: 'query',
    anyCaller: true,
    summary: 'Hear when lists change',
    description: [
      'Server-sent events (WHATWG HTML, section 9.2): first `ready`, then `changed` when lists that you may read show something new.',
      'It says which lists, not what: read them again. It may be lost with a connection, so read them also whenever one is opened.',
      'A key that comes to be about to expire is told of by no event.',
      'Reading the audit changes its list, and is not told. Lines that begin with a colon come while nothing else does.',
    ].join(' '),
    query: z.strictObject({
      tenant: z
        .string()
        .regex(/^([A-Za-z0-9_-]{1,64}|[*])$/, 'Must be the id of a tenant, or *')
        .optional()
        .meta({
          description:
            'Whose lists; yours unless named. Another than your own needs the permission `platform`; `*` for all.',
        }),
    }),
    answers: {
      200: {
        description: 'Events, for as long as the credential stands.',
        contentType: 'text/event-stream',
        schema: notificationEventSchema,
        example: streamExample,
      },
    },
  },
} as const satisfies RouteTable);
