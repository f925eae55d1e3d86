import { z } from 'zod';
import {
  afterParameter,
  idSchema,
  limitParameter,
  limitsSchema,
  nameSchema,
  pageOf,
  reasonSchema,
  timeSchema,
} from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const tenantSchema = z
  .object({
    id: idSchema,
    object: z.literal('tenant'),
    name: nameSchema,
    status: z.enum(['active', 'suspended']),
    reason: reasonSchema.nullable().meta({ description: 'Why it is suspended; null while it is not.' }),
    limits: limitsSchema,
    createdAt: timeSchema,
  })
  .meta({ id: 'Tenant' });
export type TenantView = z.infer<typeof tenantSchema>;

const countSchema = z.number().int().min(0);

export const countedTenantSchema = tenantSchema
  .extend({
    counts: z
      .object({
        people: countSchema.meta({ description: 'Those invited among them.' }),
        apiKeys: countSchema.meta({ description: 'Those that are not revoked.' }),
        models: countSchema.meta({ description: 'Its own.' }),
      })
      .meta({ id: 'TenantCounts' }),
  })
  .meta({ id: 'CountedTenant' });
export type CountedTenantView = z.infer<typeof countedTenantSchema>;

const nameOnlySchema = (id: string) => z.strictObject({ name: nameSchema }).meta({ id });
export const createTenantSchema = nameOnlySchema('CreateTenant');

const example = {
  id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  object: 'tenant',
  name: 'acme',
  status: 'active',
  reason: null,
  limits: { requestsPerMinute: null },
  createdAt: '2026-08-01T09:30:00.000Z',
};
const counted = { ...example, counts: { people: 3, apiKeys: 2, models: 0 } };
const params = z.object({ id: idSchema });
const changed = (description: string, shown: object = {}) => ({
  200: {
    description,
    schema: tenantSchema,
    headers: ['etag', 'x-consistency-token'],
    example: { ...example, ...shown },
  },
});

export const tenantRoutes = routesUnder('Tenants', {
  createTenant: {
    method: 'POST',
    path: '/v1/tenants',
    side: 'command',
    permission: 'platform',
    summary: 'Create a tenant',
    description: 'Names are unique without regard to case, width and spacing.',
    body: createTenantSchema,
    bodyExample: { name: 'acme' },
    answers: {
      201: {
        description: 'The tenant.',
        schema: tenantSchema,
        headers: ['location', 'etag', 'x-consistency-token'],
        example,
      },
    },
    problems: ['name-taken'],
    idempotent: true,
  },
  renameTenant: {
    method: 'PATCH',
    path: '/v1/tenants/{id}',
    side: 'command',
    permission: 'tenants:write',
    tenantFrom: { path: 'id' },
    summary: 'Rename a tenant',
    description: 'Its id stays, and so does all that names it. The old name is free for others.',
    params,
    body: nameOnlySchema('RenameTenant'),
    bodyExample: { name: 'acme and sons' },
    answers: changed('The tenant.', { name: 'acme and sons' }),
    problems: ['name-taken'],
    idempotent: true,
    ifMatch: true,
  },
  suspendTenant: {
    method: 'POST',
    path: '/v1/tenants/{id}/suspend',
    side: 'command',
    permission: 'platform',
    summary: 'Suspend a tenant',
    description:
      'From the answer on its keys and people are refused with the reason, on every replica; nothing is deleted. The platform itself cannot be suspended.',
    params,
    body: z.strictObject({ reason: reasonSchema.default('') }).meta({ id: 'SuspendTenant' }),
    bodyOptional: true,
    bodyExample: { reason: 'The invoice of March is open.' },
    answers: changed('The tenant.', { status: 'suspended', reason: 'The invoice of March is open.' }),
    problems: ['conflict'],
    idempotent: true,
    ifMatch: true,
  },
  reinstateTenant: {
    method: 'POST',
    path: '/v1/tenants/{id}/reinstate',
    side: 'command',
    permission: 'platform',
    summary: 'Let a suspended tenant in again',
    params,
    answers: changed('The tenant.'),
    idempotent: true,
    ifMatch: true,
  },
  setTenantLimits: {
    method: 'PUT',
    path: '/v1/tenants/{id}/limits',
    side: 'command',
    permission: 'platform',
    summary: "Set a tenant's limits",
    description: 'For all of its keys and people together.',
    params,
    body: limitsSchema,
    bodyExample: { requestsPerMinute: 6_000 },
    answers: changed('The tenant.', { limits: { requestsPerMinute: 6_000 } }),
    idempotent: true,
    ifMatch: true,
  },
  listTenants: {
    method: 'GET',
    path: '/v1/tenants',
    side: 'query',
    permission: 'tenants:read',
    summary: 'List tenants',
    description: 'All of them with the permission `platform`, else your own.',
    query: z.strictObject({ limit: limitParameter, after: afterParameter }),
    answers: pageOf('TenantList', countedTenantSchema, 'A page of tenants.', counted),
  },
  getTenant: {
    method: 'GET',
    path: '/v1/tenants/{id}',
    side: 'query',
    permission: 'tenants:read',
    tenantFrom: { path: 'id' },
    summary: 'Read a tenant',
    params,
    answers: {
      200: { description: 'The tenant.', schema: countedTenantSchema, headers: ['etag'], example: counted },
    },
  },
} as const satisfies RouteTable);
