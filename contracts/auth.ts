import { z } from 'zod';
import { languageSchema, membershipSchema } from './people.ts';
import { PERMISSIONS, permissionSchema } from './permissions.ts';
import { idSchema, nameSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const meSchema = z
  .object({
    kind: z.enum(['user', 'apiKey']).meta({ description: 'What the credential is: a person signed in, or a key.' }),
    id: idSchema.meta({ description: "The person's, or the key's as in `GET /v1/api-keys/{id}`." }),
    name: z.string().meta({ description: '`[erased]` once it was erased.' }),
    email: z.string().optional().meta({ description: "A person's." }),
    language: languageSchema.optional(),
    passwordChangeRequired: z.literal(true).optional(),
    tenant: z.object({ id: idSchema, name: nameSchema }).meta({ description: 'The one that requests act in.' }),
    tenants: z.array(membershipSchema).optional().meta({ description: 'Of a person: all that they have a part in.' }),
    permissions: z.array(permissionSchema).meta({ description: 'What you may do there.' }),
    scopes: z.array(permissionSchema).optional().meta({ description: 'What the key was issued for.' }),
  })
  .meta({ id: 'Me' });

export const authRoutes = routesUnder('Sign-in', {
  getMe: {
    method: 'GET',
    path: '/v1/me',
    side: 'query',
    anyCaller: true,
    whilePasswordIsDue: true,
    summary: 'Say who you are and what you may do',
    description: 'Needs a valid credential, and no permission. `x-tenant-id` says in which tenant.',
    answers: {
      200: {
        description: 'You.',
        schema: meSchema,
        example: {
          kind: 'apiKey',
          id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
          name: 'first key',
          tenant: { id: 'default', name: 'default' },
          permissions: [...PERMISSIONS],
          scopes: [...PERMISSIONS],
        },
      },
    },
  },
} as const satisfies RouteTable);
