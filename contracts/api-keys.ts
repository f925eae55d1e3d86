import { z } from 'zod';
import { DEFAULT_KEY_SCOPES, permissionSchema, PERMISSIONS } from './permissions.ts';
import { afterParameter, idSchema, limitParameter, pageOf, nameSchema, timeSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const apiKeySchema = z
  .object({
    id: idSchema,
    object: z.literal('api_key'),
    tenantId: idSchema,
    name: nameSchema,
    last4: z.string().max(4).meta({ description: "The key's last characters, to tell it apart." }),
    scopes: z.array(permissionSchema),
    status: z.enum(['active', 'revoked', 'expired']),
    expiresAt: timeSchema.nullable(),
    createdAt: timeSchema,
  })
  .meta({ id: 'ApiKey' });
export type ApiKeyView = z.infer<typeof apiKeySchema>;

export const issuedApiKeySchema = apiKeySchema
  .extend({ key: z.string().meta({ description: 'The key itself. It is shown this once and stored nowhere.' }) })
  .meta({ id: 'IssuedApiKey' });

export const issueApiKeySchema = z
  .strictObject({
    name: nameSchema,
    scopes: z
      .array(permissionSchema)
      .min(1)
      .max(PERMISSIONS.length)
      .refine((scopes) => new Set(scopes).size === scopes.length, 'Must not name a scope twice')
      .optional()
      .meta({
        uniqueItems: true,
        description: `Permissions, none that you lack. Without it: ${DEFAULT_KEY_SCOPES.join(', ')}.`,
      }),
    expiresAt: timeSchema.optional().meta({ description: 'In the future. Without it the key does not expire.' }),
    tenantId: idSchema
      .optional()
      .meta({ description: 'Another tenant than your own; needs the permission `platform`.' }),
  })
  .meta({ id: 'IssueApiKey' });

const example = {
  id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  object: 'api_key',
  tenantId: 'default',
  name: 'invoice robot',
  last4: 'k3Xw',
  scopes: ['inference:read', 'models:read', 'inference:write'],
  status: 'active',
  expiresAt: null,
  createdAt: '2026-08-01T09:30:00.000Z',
};

const params = z.object({ id: idSchema });

export const apiKeyRoutes = routesUnder('API keys', {
  issueApiKey: {
    method: 'POST',
    path: '/v1/api-keys',
    side: 'command',
    permission: 'keys:write',
    summary: 'Issue an API key',
    body: issueApiKeySchema,
    bodyExample: { name: 'invoice robot', scopes: ['inference:write', 'inference:read'] },
    answers: {
      201: {
        description: 'The key, shown this once.',
        schema: issuedApiKeySchema,
        headers: ['location', 'etag', 'x-consistency-token'],
        example: { ...example, key: 'dft_0198a2f47c1e_…' },
      },
    },
    idempotent: true,
  },
  revokeApiKey: {
    method: 'DELETE',
    path: '/v1/api-keys/{id}',
    side: 'command',
    permission: 'keys:write',
    summary: 'Revoke an API key',
    description: 'It holds at once, on every replica. Revoking a revoked key changes nothing.',
    params,
    answers: { 204: { description: 'The key is revoked.', headers: ['etag', 'x-consistency-token'] } },
    idempotent: true,
    ifMatch: true,
  },
  getApiKey: {
    method: 'GET',
    path: '/v1/api-keys/{id}',
    side: 'query',
    permission: 'keys:read',
    summary: 'Read an API key, without the key itself',
    params,
    answers: {
      200: { description: 'The key; also one that was revoked.', schema: apiKeySchema, headers: ['etag'], example },
    },
  },
  listApiKeys: {
    method: 'GET',
    path: '/v1/api-keys',
    side: 'query',
    permission: 'keys:read',
    summary: 'List API keys',
    query: z.strictObject({ limit: limitParameter, after: afterParameter }),
    answers: pageOf('ApiKeyList', apiKeySchema, 'A page of keys, without the keys themselves.', example),
  },
} as const satisfies RouteTable);
