import { z } from 'zod';
import { eventHeadSchema } from './audit.ts';
import { actorSchema, afterParameter, limitParameter, pageOf, revisionSchema, timeSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

const versionSchema = z.number().int().min(1).meta({ description: 'Of the read model: 1, 2, …' });
const countSchema = z.number().int().min(0);

const comparisonSchema = z
  .object({
    documents: countSchema.meta({ description: 'Compared.' }),
    different: countSchema.meta({ description: 'Not the same at the same revision, or in one of the versions only.' }),
    examples: z.array(z.string()).meta({ description: 'The first few that differ.' }),
    checksum: z.string().regex(/^[0-9a-f]{16}$/),
  })
  .meta({ id: 'VersionComparison' });

export const projectionSchema = z
  .object({
    name: z.string(),
    object: z.literal('projection'),
    version: versionSchema.meta({ description: 'The one that is read.' }),
    state: z.enum(['live', 'rebuilding', 'rolling-back']),
    ready: z
      .boolean()
      .meta({ description: 'The version that is read has caught up with the log, and no store fails it.' }),
    lag: countSchema.nullable().meta({ description: 'Events to come, at most; null while no projector says so.' }),
    positions: z
      .record(z.string(), z.string().regex(/^[0-9]{1,20}$/))
      .meta({ description: 'Per partition, up to where the log is in the read model.' }),
    deadLetters: countSchema.meta({ description: 'Of the version that is read.' }),
    candidate: z
      .object({
        version: versionSchema,
        kind: z.enum(['rebuild', 'rollback']),
        phase: z.enum(['waiting', 'building', 'comparing']),
        progress: z.number().min(0).max(1),
        onDifference: z.enum(['switch', 'keep']),
        requestedAt: timeSchema,
        requestedBy: actorSchema,
      })
      .nullable()
      .meta({ description: 'The version that is being built, or gone back to.' }),
    kept: z
      .object({ version: versionSchema, since: timeSchema, until: timeSchema })
      .nullable()
      .meta({ description: 'The version that one may go back to.' }),
    lastRebuild: z
      .object({
        from: versionSchema,
        to: versionSchema,
        outcome: z.enum(['switched', 'abandoned']),
        reason: z.string().nullable(),
        comparison: comparisonSchema.nullable(),
        at: timeSchema,
      })
      .nullable(),
    statusAgeMs: countSchema
      .nullable()
      .meta({ description: 'How old lag and progress are; null while no projector says them.' }),
  })
  .meta({ id: 'Projection' });
export type ProjectionView = z.infer<typeof projectionSchema>;

export const deadLetterSchema = z
  .object({
    id: z.string(),
    object: z.literal('dead_letter'),
    group: z.string().meta({ description: 'The projection, or the group of workers.' }),
    version: versionSchema.nullable().meta({ description: 'Of the projection.' }),
    stream: z.string(),
    revision: revisionSchema.meta({ description: 'Of the event that failed; what follows in its stream waits.' }),
    eventId: z.string(),
    error: z.string(),
    attempts: countSchema,
    failedAt: timeSchema,
    requested: z
      .enum(['retry', 'discard'])
      .nullable()
      .meta({ description: 'What was asked to be done with it and is yet to be done.' }),
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetterView = z.infer<typeof deadLetterSchema>;

export const inspectedDeadLetterSchema = deadLetterSchema
  .extend({
    status: z
      .enum(['standing', 'retried', 'discarded'])
      .meta({ description: 'Standing, or what an administrator asked for and was done.' }),
    eventId: z.string().nullable(),
    error: z
      .string()
      .nullable()
      .meta({ description: 'Null, like what else is told of a failure, once it stands no more.' }),
    attempts: countSchema.nullable(),
    failedAt: timeSchema.nullable(),
    event: eventHeadSchema.nullable().meta({ description: 'Without what it says.' }),
  })
  .meta({ id: 'InspectedDeadLetter' });
export type InspectedDeadLetterView = z.infer<typeof inspectedDeadLetterSchema>;

const reasonSchema = z.string().max(500).optional().meta({ description: 'Why; it is recorded with who asked.' });

export const rebuildSchema = z
  .strictObject({
    onDifference: z
      .enum(['switch', 'keep'])
      .default('switch')
      .meta({ description: 'What happens if the new version differs from the one that is read.' }),
    reason: reasonSchema,
  })
  .meta({ id: 'RebuildProjection' });

export const reasonBodySchema = z.strictObject({ reason: reasonSchema }).meta({ id: 'WithReason' });

const acceptedSchema = z
  .object({ id: z.string(), status: z.enum(['rebuilding', 'rolling-back', 'retrying', 'discarding']) })
  .meta({ id: 'OperationAccepted' });

const nameParams = z.object({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/)
    .meta({ examples: ['audit'] }),
});
const letterParams = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,2000}$/) });

const projectionExample = {
  name: 'audit',
  object: 'projection',
  version: 2,
  state: 'live',
  ready: true,
  lag: 0,
  positions: { 'defter.identity/0': '1024' },
  deadLetters: 0,
  candidate: null,
  kept: { version: 1, since: '2026-08-01T09:30:00.000Z', until: '2026-08-02T09:30:00.000Z' },
  lastRebuild: {
    from: 1,
    to: 2,
    outcome: 'switched',
    reason: null,
    comparison: { documents: 1_000, different: 0, examples: [], checksum: '00c2f3a1b4d5e6f7' },
    at: '2026-08-01T09:30:00.000Z',
  },
  statusAgeMs: 240,
};

const letterExample = {
  id: 'WyJhdWRpdC4xIiwzLCJ0ZW5hbnQtYWNtZSJd',
  object: 'dead_letter',
  group: 'audit',
  version: 1,
  stream: 'tenant-acme',
  revision: 3,
  eventId: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  error: 'the document is too large',
  attempts: 3,
  failedAt: '2026-08-01T09:30:00.000Z',
  requested: null,
};

const accepted = (description: string, example: z.infer<typeof acceptedSchema>) =>
  ({
    202: {
      description,
      schema: acceptedSchema,
      headers: ['location', 'retry-after', 'etag', 'x-consistency-token'],
      example,
    },
  }) as const;

export const operationRoutes = routesUnder('Operations', {
  listProjections: {
    method: 'GET',
    path: '/v1/projections',
    side: 'query',
    permission: 'operations:read',
    summary: 'List read models',
    answers: pageOf(
      'ProjectionList',
      projectionSchema,
      'Every read model, with its versions and how far it is.',
      projectionExample,
    ),
  },
  getProjection: {
    method: 'GET',
    path: '/v1/projections/{name}',
    side: 'query',
    permission: 'operations:read',
    summary: 'Read the state of a read model',
    params: nameParams,
    answers: {
      200: { description: 'The read model.', schema: projectionSchema, headers: ['etag'], example: projectionExample },
    },
  },
  rebuildProjection: {
    method: 'POST',
    path: '/v1/projections/{name}/rebuild',
    side: 'command',
    permission: 'operations:write',
    summary: 'Build a read model anew',
    description:
      'A new version is built from the log beside the one that is read, compared with it and switched to, with no pause. The old one is kept for a day, or until the next rebuild.',
    params: nameParams,
    body: rebuildSchema,
    bodyOptional: true,
    bodyExample: { onDifference: 'keep', reason: 'to see whether anything differs' },
    answers: accepted('The rebuild is recorded and begins within seconds.', { id: 'audit.2', status: 'rebuilding' }),
    problems: ['rebuild-under-way'],
    idempotent: true,
  },
  rollBackProjection: {
    method: 'POST',
    path: '/v1/projections/{name}/rollback',
    side: 'command',
    permission: 'operations:write',
    summary: 'Go back to the version of a read model that was read before',
    description: 'It is caught up with the log, compared and switched to, with no pause.',
    params: nameParams,
    body: rebuildSchema,
    bodyOptional: true,
    bodyExample: { reason: 'the new one lacks rows' },
    answers: accepted('It is recorded and begins within seconds.', { id: 'audit.1', status: 'rolling-back' }),
    problems: ['rebuild-under-way', 'no-version-kept'],
    idempotent: true,
  },
  listDeadLetters: {
    method: 'GET',
    path: '/v1/dead-letters',
    side: 'query',
    permission: 'platform',
    summary: 'List dead letters',
    description:
      'Streams of which an event could not be handled: while a letter stands they wait, and nothing else does.',
    query: z.strictObject({
      group: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,64}$/)
        .optional()
        .meta({ description: 'A projection, or a group of workers.' }),
      limit: limitParameter,
      after: afterParameter,
    }),
    answers: pageOf('DeadLetterList', deadLetterSchema, 'A page of letters, by group and stream.', letterExample),
  },
  getDeadLetter: {
    method: 'GET',
    path: '/v1/dead-letters/{id}',
    side: 'query',
    permission: 'platform',
    summary: 'Inspect a dead letter',
    description: 'One that was retried or discarded can still be read when it stands no more.',
    params: letterParams,
    answers: {
      200: {
        description: 'The letter and its event.',
        schema: inspectedDeadLetterSchema,
        example: { ...letterExample, status: 'standing', event: null },
      },
    },
  },
  retryDeadLetter: {
    method: 'POST',
    path: '/v1/dead-letters/{id}/retry',
    side: 'command',
    permission: 'operations:write',
    summary: 'Try a dead letter again',
    description:
      'The stream is handled from the failed event on, as the log has it; if that fails, a letter stands again.',
    params: letterParams,
    body: reasonBodySchema,
    bodyOptional: true,
    bodyExample: { reason: 'the program was mended' },
    answers: accepted('It is recorded and tried within seconds.', { id: letterExample.id, status: 'retrying' }),
    idempotent: true,
  },
  discardDeadLetter: {
    method: 'POST',
    path: '/v1/dead-letters/{id}/discard',
    side: 'command',
    permission: 'operations:write',
    summary: 'Give up an event that cannot be handled',
    description:
      'This group leaves the event out for good, also when it is rebuilt, and goes on with what came after it.',
    params: letterParams,
    body: reasonBodySchema,
    bodyOptional: true,
    bodyExample: { reason: 'a test event' },
    answers: accepted('It is recorded and done within seconds.', { id: letterExample.id, status: 'discarding' }),
    idempotent: true,
  },
} as const satisfies RouteTable);
