// What people do by a link in a mail: a forgotten password, a new e-mail address.

import { z } from 'zod';
import { emailSchema } from './email.ts';
import { newPasswordSchema, passwordSchema, secretSchema } from './people.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const passwordRoutes = routesUnder('Sign-in', {
  forgotPassword: {
    method: 'POST',
    path: '/v1/auth/password/forgot',
    side: 'command',
    public: true,
    summary: 'Ask for a new password',
    description:
      'Whether or not there is such an account, the answer is the same. If there is, a mail is sent: one a minute, five a day.',
    body: z.strictObject({ email: emailSchema }).meta({ id: 'ForgotPassword' }),
    bodyExample: { email: 'ada@example.com' },
    answers: { 202: { description: 'If there is such an account, a mail is on its way.' } },
    problems: ['too-many-requests'],
  },
  resetPassword: {
    method: 'POST',
    path: '/v1/auth/password/reset',
    side: 'command',
    public: true,
    summary: 'Set a new password by the link of a mail',
    description: 'The link is good once and for 30 minutes; a newer one voids it. Every session ends.',
    body: z.strictObject({ token: secretSchema, password: newPasswordSchema }).meta({ id: 'ResetPassword' }),
    bodyExample: { token: 'the token of the link', password: 'another long sentence' },
    answers: { 204: { description: 'The new password holds.' } },
    problems: ['token-spent', 'too-many-requests', 'overloaded'],
  },
  requestEmailChange: {
    method: 'POST',
    path: '/v1/me/email',
    side: 'command',
    anyCaller: true,
    summary: 'Ask for another e-mail address',
    description:
      'A mail is sent to the new address; the old one is good until the link in it is followed, within an hour. A new password, and ending the sessions, void the link.',
    body: z.strictObject({ email: emailSchema, password: passwordSchema }).meta({ id: 'RequestEmailChange' }),
    bodyExample: { email: 'ada@example.org', password: 'a long sentence of yours' },
    answers: { 202: { description: 'A mail is on its way.', headers: ['x-consistency-token'] } },
    problems: ['forbidden', 'invalid-credentials', 'too-many-requests', 'overloaded'],
  },
  confirmEmailChange: {
    method: 'POST',
    path: '/v1/me/email/confirm',
    side: 'command',
    public: true,
    summary: 'Confirm another e-mail address by the link of a mail',
    body: z.strictObject({ token: secretSchema }).meta({ id: 'ConfirmEmailChange' }),
    bodyExample: { token: 'the token of the link' },
    answers: { 204: { description: 'From now on one signs in by the new address.' } },
    problems: ['token-spent', 'email-taken', 'too-many-requests'],
  },
} as const satisfies RouteTable);
