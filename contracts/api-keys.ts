import { z } from 'zod';
import { modelNameSchema } from './models.ts';
import { DEFAULT_KEY_SCOPES, permissionSchema, PERMISSIONS } from './permissions.ts';
import {
  actorSchema,
  afterParameter,
  idSchema,
  limitParameter,
  limitsSchema,
  nameSchema,
  pageOf,
  shownAs,
  spanSchema,
  timeSchema,
} from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

const DAY_MS = 86_400_000;
const MOST_OVERLAP_MS = 30 * DAY_MS;
/** Names of models; a key that names none may use whatever its tenant may. */
const modelsSchema = z
  .array(modelNameSchema)
  .min(1)
  .max(100)
  .refine((names) => new Set(names).size === names.length, 'Must not name a model twice');

export const apiKeySchema = z
  .object({
    id: idSchema,
    object: z.literal('api_key'),
    tenantId: idSchema,
    name: nameSchema,
    last4: z.string().max(4).meta({ description: "The key's last characters, to tell it apart." }),
    scopes: z.array(permissionSchema),
    models: z
      .array(modelNameSchema)
      .nullable()
      .meta({ description: 'What it may use; null: any that its tenant may.' }),
    status: z.enum(['active', 'revoked', 'expired']),
    expiresAt: timeSchema.nullable(),
    limits: limitsSchema,
    createdAt: timeSchema,
    createdBy: actorSchema.meta({ description: 'Who made it.' }),
    personId: idSchema
      .nullable()
      .meta({ description: 'The person who made it, or whose key did: it may do no more than they may now.' }),
    successor: idSchema.nullable().meta({ description: 'The key that takes its place, once it was rotated.' }),
    lastUsedAt: timeSchema.nullable().meta({
      description: 'To a minute, and as far as it is known: it is kept beside the log. Null in answers to commands.',
    }),
  })
  .meta({ id: 'ApiKey' });
export type ApiKeyView = z.infer<typeof apiKeySchema>;

export const issuedApiKeySchema = apiKeySchema
  .extend({
    key: z.string().nullable().meta({
      description:
        'The key itself, which is stored nowhere. A repeat with its Idempotency-Key shows it again for ten minutes to the same caller; null after.',
    }),
  })
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
    models: modelsSchema.optional().meta({
      uniqueItems: true,
      description: 'The only ones that it may use, by name. Without it: whatever you may.',
    }),
    expiresAt: timeSchema.optional().meta({
      description:
        'In the future, and not after that of a key that issues it. Without it as that one does, else never.',
    }),
    tenantId: idSchema
      .optional()
      .meta({ description: 'Another tenant than your own; needs the permission `platform`.' }),
  })
  .meta({ id: 'IssueApiKey' });

export const rotateApiKeySchema = z
  .strictObject({
    overlap: spanSchema(MOST_OVERLAP_MS)
      .default(DAY_MS)
      .meta({
        override: shownAs({
          type: 'string',
          pattern: '^([0-9]{1,6}s|[0-9]{1,4}m|[0-9]{1,2}h|[0-2]?[0-9]d|30d)$',
          default: '1d',
          examples: ['1d'],
        }),
        description: 'How long the old key is good beside the new one: `0s` to `30d`.',
      }),
  })
  .meta({ id: 'RotateApiKey' });

const example = {
  id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  object: 'api_key',
  tenantId: 'default',
  name: 'invoice robot',
  last4: 'k3Xw',
  scopes: ['inference:read', 'models:read', 'inference:write'],
  models: null,
  status: 'active',
  expiresAt: null,
  limits: { requestsPerMinute: null },
  createdAt: '2026-08-01T09:30:00.000Z',
  createdBy: { kind: 'user', id: '0198a2f4-7c1e-7b0a-9f43-000000000001' },
  personId: '0198a2f4-7c1e-7b0a-9f43-000000000001',
  successor: null,
  lastUsedAt: null,
};

const params = z.object({ id: idSchema });
const issued = {
  201: {
    description: 'The key, shown this once.',
    schema: issuedApiKeySchema,
    headers: ['location', 'etag', 'x-consistency-token'],
    example: { ...example, key: 'dft_0198a2f47c1e_…' },
  },
} as const;

export const apiKeyRoutes = routesUnder('API keys', {
  issueApiKey: {
    method: 'POST',
    path: '/v1/api-keys',
    side: 'command',
    permission: 'keys:write',
    summary: 'Issue an API key',
    body: issueApiKeySchema,
    bodyExample: { name: 'invoice robot', scopes: ['inference:write', 'inference:read'] },
    answers: issued,
    idempotent: true,
  },
  rotateApiKey: {
    method: 'POST',
    path: '/v1/api-keys/{id}/rotate',
    side: 'command',
    permission: 'keys:write',
    summary: 'Put a new key in the place of one',
    description:
      'The new one has the name, scopes, models, limits and life of the old one, which stays good for `overlap` at most. You must hold all of its scopes; a key that rotates gives nothing beyond its own models, limits and expiry. Without an Idempotency-Key, and where no answer comes, a new key may be listed that nobody has: it opens nothing.',
    params,
    body: rotateApiKeySchema,
    bodyOptional: true,
    bodyExample: { overlap: '1d' },
    answers: issued,
    problems: ['conflict'],
    idempotent: true,
  },
  setApiKeyLimits: {
    method: 'PUT',
    path: '/v1/api-keys/{id}/limits',
    side: 'command',
    permission: 'keys:write',
    summary: "Set a key's limits",
    description:
      "Its tenant's limits hold beside them. You must hold all of its scopes; a key cannot set its own limits, nor others beyond them.",
    params,
    body: limitsSchema,
    bodyExample: { requestsPerMinute: 600 },
    answers: {
      200: {
        description: 'The key.',
        schema: apiKeySchema,
        headers: ['etag', 'x-consistency-token'],
        example: { ...example, limits: { requestsPerMinute: 600 } },
      },
    },
    problems: ['forbidden', 'conflict'],
    idempotent: true,
    ifMatch: true,
  },
  revokeApiKey: {
    method: 'DELETE',
    path: '/v1/api-keys/{id}',
    side: 'command',
    permission: 'keys:write',
    summary: 'Revoke an API key',
    description:
      'It holds at once, on every replica. You must hold all of its scopes, unless it is the key by which you ask. Revoking a revoked key changes nothing.',
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
