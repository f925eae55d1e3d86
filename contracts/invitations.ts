// What whoever was invited does by the link in the mail.

import { z } from 'zod';
import { languageSchema, newPasswordSchema, secretSchema, signedInExample, signedInSchema } from './people.ts';
import { nameSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const invitationRoutes = routesUnder('Sign-in', {
  acceptInvitation: {
    method: 'POST',
    path: '/v1/auth/invitation/accept',
    side: 'command',
    public: true,
    callerIfAny: true,
    summary: 'Accept an invitation',
    description:
      'Without an account: `name` and `password` are required, and you are signed in. With one: send your access token, and no password is set.',
    body: z
      .strictObject({
        token: secretSchema,
        name: nameSchema.optional(),
        password: newPasswordSchema.optional(),
        language: languageSchema.optional(),
      })
      .meta({ id: 'AcceptInvitation' }),
    bodyExample: { token: 'the token of the link', name: 'Ada', password: 'a long sentence of yours', language: 'en' },
    answers: {
      200: {
        description: 'Signed in.',
        schema: signedInSchema,
        headers: ['x-consistency-token'],
        example: signedInExample,
      },
    },
    problems: ['token-spent', 'account-exists', 'forbidden', 'conflict', 'too-many-requests', 'overloaded'],
  },
} as const satisfies RouteTable);
