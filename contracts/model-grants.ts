import { z } from 'zod';
import { modelNameParams, modelNameSchema } from './models.ts';
import { idSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

const granteeSchema = z
  .union([z.literal('*'), idSchema], { error: "Must be a tenant's id, or * for all" })
  .meta({ description: "A tenant's id, or `*` for all of them, percent-encoded or as it is." });

export const modelGrantsSchema = z
  .object({
    object: z.literal('model_grants'),
    model: modelNameSchema,
    tenants: z.array(granteeSchema).meta({ description: 'Who may use it: ids of tenants, `*` for all.' }),
  })
  .meta({ id: 'ModelGrants' });
export type ModelGrantsView = z.infer<typeof modelGrantsSchema>;

const example = { object: 'model_grants', model: 'tiny-writer', tenants: ['*'] };
const params = modelNameParams('tiny-writer').extend({ tenantId: granteeSchema.meta({ examples: ['*'] }) });
const written = ['etag', 'x-consistency-token'] as const;

/** Which tenants may use a model of the platform's. */
export const modelGrantRoutes = routesUnder('Models', {
  grantModel: {
    method: 'PUT',
    path: '/v1/models/{name}/grants/{tenantId}',
    side: 'command',
    permission: 'platform',
    summary: "Grant a model of the platform's to a tenant, or to all",
    params,
    slashes: 'name',
    answers: { 200: { description: 'Its grants.', schema: modelGrantsSchema, headers: written, example } },
    problems: ['model-not-found', 'conflict'],
    idempotent: true,
    ifMatch: true,
  },
  withdrawModelGrant: {
    method: 'DELETE',
    path: '/v1/models/{name}/grants/{tenantId}',
    side: 'command',
    permission: 'platform',
    summary: "Withdraw a model of the platform's from a tenant, or the grant to all",
    description: [
      'A tenant that is granted the model by name keeps it when the grant to all is withdrawn.',
      'So to take a model that all may use from one of them: grant it to the others by name, then withdraw `*`.',
      'Requests accepted before still run.',
    ].join(' '),
    params,
    slashes: 'name',
    answers: { 200: { description: 'The grants left.', schema: modelGrantsSchema, headers: written, example } },
    problems: ['model-not-found', 'granted-to-all'],
    idempotent: true,
    ifMatch: true,
  },
  listModelGrants: {
    method: 'GET',
    path: '/v1/models/{name}/grants',
    side: 'query',
    permission: 'platform',
    summary: "List whom a model of the platform's is granted to",
    params: modelNameParams('tiny-writer'),
    slashes: 'name',
    answers: { 200: { description: 'Its grants.', schema: modelGrantsSchema, headers: ['etag'], example } },
    problems: ['model-not-found'],
  },
} as const satisfies RouteTable);
