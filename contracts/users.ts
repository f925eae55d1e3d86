import { z } from 'zod';
import { apiKeySchema } from './api-keys.ts';
import { emailSchema } from './email.ts';
import { languageSchema, membershipSchema } from './people.ts';
import { roleSchema } from './permissions.ts';
import { afterParameter, idSchema, limitParameter, nameSchema, pageOf, timeSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

const membershipStatus = z.enum(['offered', 'active']);

export const userSchema = z
  .object({
    id: idSchema,
    object: z.literal('user'),
    email: z.string().meta({ description: '`[erased]` once it was erased.' }),
    name: z.string().nullable().meta({ description: 'Null while nobody has said one.' }),
    language: languageSchema,
    status: z.enum(['invited', 'active', 'disabled']).meta({
      description:
        'Of the person: `invited` has no account yet, or has not accepted; `disabled` may not sign in anywhere.',
    }),
    role: roleSchema.nullable().meta({ description: 'In the tenant of the request; null without a part in it.' }),
    membership: membershipStatus.nullable().meta({ description: 'In the tenant of the request.' }),
    invitationExpiresAt: timeSchema.nullable(),
    createdAt: timeSchema,
  })
  .meta({ id: 'User' });
export type UserView = z.infer<typeof userSchema>;

const example = {
  id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  object: 'user',
  email: 'ada@example.com',
  name: 'Ada',
  language: 'en',
  status: 'invited',
  role: 'member',
  membership: 'offered',
  invitationExpiresAt: '2026-08-08T09:30:00.000Z',
  createdAt: '2026-08-01T09:30:00.000Z',
};

const written = ['etag', 'x-consistency-token'] as const;
const params = z.object({ id: idSchema });
const inTenant = z.object({ id: idSchema, tenantId: idSchema });

const user = (description: string) => ({ description, schema: userSchema, headers: [...written], example });

export const userRoutes = routesUnder('People', {
  inviteUser: {
    method: 'POST',
    path: '/v1/users',
    side: 'command',
    permission: 'users:write',
    summary: 'Invite someone into the tenant',
    description:
      'A mail with a link is sent; it is good for 7 days. One who has an account already is offered the part in this tenant. Until they accept they are shown as you invited them, whether they have one or not. Inviting again sends a new link, and the old one is void. You cannot give more than you hold.',
    body: z
      .strictObject({
        email: emailSchema,
        name: nameSchema.optional(),
        role: roleSchema.default('member'),
        language: languageSchema.default('en'),
      })
      .meta({ id: 'InviteUser' }),
    bodyExample: { email: 'ada@example.com', name: 'Ada', role: 'member', language: 'en' },
    answers: { 201: { ...user('The person, invited.'), headers: ['location', ...written] } },
    problems: ['already-member'],
    idempotent: true,
  },
  resendInvitation: {
    method: 'POST',
    path: '/v1/users/{id}/invitation',
    side: 'command',
    permission: 'users:write',
    summary: 'Send an invitation again',
    description: 'With a new link; the old one is void.',
    params,
    answers: { 200: user('The person, invited anew.') },
    problems: ['already-member'],
    idempotent: true,
  },
  revokeInvitation: {
    method: 'DELETE',
    path: '/v1/users/{id}/invitation',
    side: 'command',
    permission: 'users:write',
    summary: 'Take an invitation back',
    params,
    answers: { 204: { description: 'The link is void.', headers: [...written] } },
    problems: ['already-member'],
    idempotent: true,
  },
  setRole: {
    method: 'PUT',
    path: '/v1/users/{id}/roles/{tenantId}',
    side: 'command',
    permission: 'users:write',
    tenantFrom: { path: 'tenantId' },
    summary: "Set someone's role in a tenant",
    description:
      'It holds at once, on every replica. You cannot give more than you hold. Someone without a part in the tenant gets one by this from the platform only, or an invitation where they have no account yet; else invite them.',
    params: inTenant,
    body: z.strictObject({ role: roleSchema }).meta({ id: 'SetRole' }),
    bodyExample: { role: 'viewer' },
    answers: {
      200: {
        description: 'What they are there now.',
        schema: membershipSchema,
        headers: [...written],
        example: { id: 'default', name: 'default', role: 'viewer' },
      },
    },
    problems: ['last-admin', 'conflict'],
    idempotent: true,
  },
  removeMember: {
    method: 'DELETE',
    path: '/v1/users/{id}/roles/{tenantId}',
    side: 'command',
    permission: 'users:write',
    tenantFrom: { path: 'tenantId' },
    summary: 'Take someone out of a tenant',
    description:
      'The keys that they made there open nothing from then on, as a key holds no more than its maker; `keys=revoke` revokes them for good, but those that hold what you lack. They are in the answer.',
    params: inTenant,
    query: z.strictObject({ keys: z.enum(['keep', 'revoke']).default('keep') }),
    answers: {
      200: {
        description: 'They have no part in it any more.',
        schema: z
          .object({
            id: idSchema,
            object: z.literal('user'),
            removed: z.literal(true),
            apiKeys: z.array(apiKeySchema).meta({ description: 'Those that they made, as they are now.' }),
          })
          .meta({ id: 'RemovedMember' }),
        headers: [...written],
        example: { id: example.id, object: 'user', removed: true, apiKeys: [] },
      },
    },
    problems: ['last-admin'],
    idempotent: true,
  },
  disableUser: {
    method: 'POST',
    path: '/v1/users/{id}/disable',
    side: 'command',
    permission: 'platform',
    summary: 'Disable a person',
    description:
      'Everywhere and at once: they cannot sign in, their sessions end, and their keys open nothing until they are enabled.',
    params,
    answers: { 200: user('The person, disabled.') },
    problems: ['is-platform-admin'],
    idempotent: true,
  },
  enableUser: {
    method: 'POST',
    path: '/v1/users/{id}/enable',
    side: 'command',
    permission: 'platform',
    summary: 'Enable a person again',
    params,
    answers: { 200: user('The person, who may sign in again.') },
    idempotent: true,
  },
  unlockUser: {
    method: 'POST',
    path: '/v1/users/{id}/unlock',
    side: 'command',
    permission: 'platform',
    summary: 'Let a person try to sign in again',
    description: 'Whom too many wrong passwords have locked out.',
    params,
    answers: { 204: { description: 'No lock is left.' } },
    idempotent: true,
  },
  listUsers: {
    method: 'GET',
    path: '/v1/users',
    side: 'query',
    permission: 'users:read',
    summary: 'List the people of the tenant',
    description: 'Those invited among them.',
    query: z.strictObject({
      limit: limitParameter,
      after: afterParameter,
      membership: membershipStatus.optional().meta({
        description: 'Only those who are that. A page may then be short, even empty: go on while there is a `next`.',
      }),
    }),
    answers: pageOf('UserList', userSchema, 'A page of people, the newest first.', example),
  },
  getUser: {
    method: 'GET',
    path: '/v1/users/{id}',
    side: 'query',
    permission: 'users:read',
    summary: 'Read a person of the tenant',
    description: 'With the permission `platform`, of any.',
    params,
    answers: { 200: { description: 'The person.', schema: userSchema, headers: ['etag'], example } },
  },
} as const satisfies RouteTable);
