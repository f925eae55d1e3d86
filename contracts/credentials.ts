import { z } from 'zod';
import { afterParameter, idSchema, limitParameter, pageOf, nameSchema, timeSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const credentialSchema = z
  .object({
    id: idSchema,
    object: z.literal('credential'),
    name: nameSchema,
    kind: z.enum(['openai']),
    last4: z.string().max(4).meta({ description: "The value's last characters; empty for env:NAME." }),
    environment: z.string().nullable().meta({ description: 'The variable that holds the value, if one does.' }),
    createdAt: timeSchema,
  })
  .meta({ id: 'Credential' });
export type CredentialView = z.infer<typeof credentialSchema>;

export const storeCredentialSchema = z
  .strictObject({
    name: nameSchema,
    kind: z.enum(['openai']),
    value: z
      .string()
      .min(1, 'Required')
      .max(4_096)
      .regex(/^[\x21-\x7e]+$/, 'Must be printable ASCII without spaces')
      .refine((value) => !value.startsWith('env:') || /^env:[A-Z_][A-Z0-9_]{0,99}$/.test(value), {
        message: 'Must be env:NAME with a name of capitals, digits and underscores',
      })
      .meta({
        description:
          'The secret, or `env:NAME` to read it from a variable of the server (needs the permission `platform`). It is kept in the vault and never shown again.',
      }),
  })
  .meta({ id: 'StoreCredential' });

const example = {
  id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  object: 'credential',
  name: 'OpenAI, invoices',
  kind: 'openai',
  last4: 'Zq9A',
  environment: null,
  createdAt: '2026-08-01T09:30:00.000Z',
};

const params = z.object({ id: idSchema });

export const credentialRoutes = routesUnder('Credentials', {
  storeCredential: {
    method: 'POST',
    path: '/v1/credentials',
    side: 'command',
    permission: 'credentials:write',
    summary: "Store a credential for a model's upstream",
    body: storeCredentialSchema,
    bodyExample: { name: 'OpenAI, invoices', kind: 'openai', value: 'env:OPENAI_API_KEY' },
    answers: {
      201: {
        description: 'The credential, without its value.',
        schema: credentialSchema,
        headers: ['location', 'etag', 'x-consistency-token'],
        example,
      },
    },
    idempotent: true,
  },
  deleteCredential: {
    method: 'DELETE',
    path: '/v1/credentials/{id}',
    side: 'command',
    permission: 'credentials:write',
    summary: 'Delete a credential and its value',
    params,
    answers: { 204: { description: 'The credential is gone.', headers: ['etag', 'x-consistency-token'] } },
    idempotent: true,
    ifMatch: true,
  },
  getCredential: {
    method: 'GET',
    path: '/v1/credentials/{id}',
    side: 'query',
    permission: 'credentials:read',
    summary: 'Read a credential, without its value',
    params,
    answers: { 200: { description: 'The credential.', schema: credentialSchema, headers: ['etag'], example } },
  },
  listCredentials: {
    method: 'GET',
    path: '/v1/credentials',
    side: 'query',
    permission: 'credentials:read',
    summary: 'List credentials',
    query: z.strictObject({ limit: limitParameter, after: afterParameter }),
    answers: pageOf('CredentialList', credentialSchema, 'A page of credentials, without their values.', example),
  },
} as const satisfies RouteTable);
