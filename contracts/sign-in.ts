import { z } from 'zod';
import { emailSchema } from './email.ts';
import {
  languageSchema,
  newPasswordSchema,
  passwordSchema,
  secretSchema,
  signedInExample,
  signedInSchema,
} from './people.ts';
import { idSchema, nameSchema, pageOf, limitParameter, afterParameter, timeSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const sessionSchema = z
  .object({
    id: idSchema,
    object: z.literal('session'),
    current: z.boolean().meta({ description: 'Whether it is the one that asks.' }),
    startedAt: timeSchema,
    refreshedAt: timeSchema,
    expiresAt: timeSchema,
    address: z.string().nullable().meta({ description: 'The network address from where it began.' }),
    client: z.string().nullable().meta({ description: 'The user agent with which it began.' }),
  })
  .meta({ id: 'Session' });
export type SessionView = z.infer<typeof sessionSchema>;

const signedIn = (description: string) => ({
  200: { description, schema: signedInSchema, headers: ['x-consistency-token'], example: signedInExample },
});

const sessionExample = {
  id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  object: 'session',
  current: true,
  startedAt: '2026-08-01T09:30:00.000Z',
  refreshedAt: '2026-08-01T09:45:00.000Z',
  expiresAt: '2026-08-31T09:45:00.000Z',
  address: '203.0.113.9',
  client: 'Mozilla/5.0',
};

export const signInRoutes = routesUnder('Sign-in', {
  login: {
    method: 'POST',
    path: '/v1/auth/login',
    side: 'command',
    public: true,
    summary: 'Sign in',
    description:
      'A wrong password, an unknown e-mail and a disabled person are answered alike. After ten failures from one address (of IPv6: one network of 64 bits) an account is locked for it for 15 minutes: 429 with `Retry-After`.',
    body: z.strictObject({ email: emailSchema, password: passwordSchema }).meta({ id: 'Login' }),
    bodyExample: { email: 'ada@example.com', password: 'a long sentence of yours' },
    answers: signedIn('Signed in.'),
    problems: ['invalid-credentials', 'too-many-requests', 'overloaded'],
  },
  refresh: {
    method: 'POST',
    path: '/v1/auth/refresh',
    side: 'command',
    public: true,
    summary: 'Go on with a session',
    description:
      'The refresh token is good once. A repeat within 10 seconds (a minute more at another replica, whose clock may be another), while its successor is unused, is answered with the same successor; any other reuse ends the session.',
    body: z.strictObject({ refreshToken: secretSchema }).meta({ id: 'Refresh' }),
    bodyExample: { refreshToken: signedInExample.refreshToken },
    answers: signedIn('A new access token, and the refresh token for the next time.'),
    problems: ['session-ended', 'too-many-requests'],
  },
  logout: {
    method: 'POST',
    path: '/v1/auth/logout',
    side: 'command',
    public: true,
    callerIfAny: true,
    whilePasswordIsDue: true,
    summary: 'Sign out',
    description: 'Ends the session of the refresh token, else the one of the access token. Twice is as good as once.',
    body: z.strictObject({ refreshToken: secretSchema.optional() }).meta({ id: 'Logout' }),
    bodyOptional: true,
    bodyExample: {},
    answers: { 204: { description: 'The session has ended.' } },
  },
  changePassword: {
    method: 'PUT',
    path: '/v1/auth/password',
    side: 'command',
    anyCaller: true,
    whilePasswordIsDue: true,
    summary: 'Change your password',
    description:
      'Ends all other sessions. For people: a key has no password. Until one who was given a password by Defter has set another (`passwordChangeRequired`), they can do this, read `/v1/me`, see and end their sessions and sign out; all else is 403 `password-change-required`, and the keys that they made open nothing.',
    body: z.strictObject({ current: passwordSchema, password: newPasswordSchema }).meta({ id: 'ChangePassword' }),
    bodyExample: { current: 'a long sentence of yours', password: 'another long sentence' },
    answers: { 204: { description: 'The new password holds.', headers: ['x-consistency-token'] } },
    problems: ['forbidden', 'invalid-credentials', 'too-many-requests', 'overloaded'],
  },
  updateMe: {
    method: 'PATCH',
    path: '/v1/me',
    side: 'command',
    anyCaller: true,
    summary: 'Change your name or language',
    description: 'For people. What is left out stays.',
    body: z.strictObject({ name: nameSchema.optional(), language: languageSchema.optional() }).meta({ id: 'UpdateMe' }),
    bodyExample: { language: 'tr' },
    answers: {
      200: {
        description: 'As it is now.',
        schema: z.object({ id: idSchema, name: z.string(), language: languageSchema }).meta({ id: 'UpdatedMe' }),
        headers: ['x-consistency-token'],
        example: { id: sessionExample.id, name: 'Ada', language: 'tr' },
      },
    },
    problems: ['forbidden'],
  },
  listMySessions: {
    method: 'GET',
    path: '/v1/me/sessions',
    side: 'query',
    anyCaller: true,
    whilePasswordIsDue: true,
    summary: 'List your sessions',
    query: z.strictObject({ limit: limitParameter, after: afterParameter }),
    answers: pageOf('SessionList', sessionSchema, 'A page of the sessions that go on.', sessionExample),
    problems: ['forbidden'],
  },
  endMySession: {
    method: 'DELETE',
    path: '/v1/me/sessions/{id}',
    side: 'command',
    anyCaller: true,
    whilePasswordIsDue: true,
    summary: 'End one of your sessions',
    params: z.object({ id: idSchema }),
    answers: { 204: { description: 'It has ended.', headers: ['x-consistency-token'] } },
    problems: ['forbidden', 'not-found'],
  },
  endMySessions: {
    method: 'DELETE',
    path: '/v1/me/sessions',
    side: 'command',
    anyCaller: true,
    whilePasswordIsDue: true,
    summary: 'End all your sessions',
    query: z.strictObject({
      keep: z.enum(['current']).optional().meta({ description: '`current` leaves the one that asks.' }),
    }),
    answers: { 204: { description: 'They have ended.', headers: ['x-consistency-token'] } },
    problems: ['forbidden'],
  },
} as const satisfies RouteTable);
