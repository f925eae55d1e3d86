import { z } from 'zod';
import { afterParameter, idSchema, limitParameter, pageOf, nameSchema, timeSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const tenantSchema = z
  .object({
    id: idSchema,
    object: z.literal('tenant'),
    name: nameSchema,
    status: z.enum(['active']),
    createdAt: timeSchema,
  })
  .meta({ id: 'Tenant' });
export type TenantView = z.infer<typeof tenantSchema>;

export const createTenantSchema = z.strictObject({ name: nameSchema }).meta({ id: 'CreateTenant' });

const example = {
  id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  object: 'tenant',
  name: 'acme',
  status: 'active',
  createdAt: '2026-08-01T09:30:00.000Z',
};

export const tenantRoutes = routesUnder('Tenants', {
  createTenant: {
    method: 'POST',
    path: '/v1/tenants',
    side: 'command',
    permission: 'platform',
    summary: 'Create a tenant',
    description: 'Names are unique without regard to case.',
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
  listTenants: {
    method: 'GET',
    path: '/v1/tenants',
    side: 'query',
    permission: 'tenants:read',
    summary: 'List tenants',
    description: 'All of them with the permission `platform`, else your own.',
    query: z.strictObject({ limit: limitParameter, after: afterParameter }),
    answers: pageOf('TenantList', tenantSchema, 'A page of tenants.', example),
  },
  getTenant: {
    method: 'GET',
    path: '/v1/tenants/{id}',
    side: 'query',
    permission: 'tenants:read',
    tenantFrom: { path: 'id' },
    summary: 'Read a tenant',
    params: z.object({ id: idSchema }),
    answers: { 200: { description: 'The tenant.', schema: tenantSchema, headers: ['etag'], example } },
  },
} as const satisfies RouteTable);
