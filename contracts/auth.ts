import { z } from 'zod';
import { PERMISSIONS, permissionSchema } from './permissions.ts';
import { idSchema, nameSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

export const meSchema = z
  .object({
    kind: z.enum(['apiKey']).meta({ description: 'What the credential is.' }),
    id: idSchema.meta({ description: "The key's, as in `GET /v1/api-keys/{id}`." }),
    name: nameSchema,
    tenant: z.object({ id: idSchema, name: nameSchema }).meta({ description: 'The one that requests act in.' }),
    permissions: z.array(permissionSchema).meta({ description: 'What you may do there.' }),
    scopes: z.array(permissionSchema).meta({ description: 'What the key was issued for.' }),
  })
  .meta({ id: 'Me' });

export const authRoutes = routesUnder('Sign-in', {
  getMe: {
    method: 'GET',
    path: '/v1/me',
    side: 'query',
    anyCaller: true,
    summary: 'Say who you are and what you may do',
    description: 'Needs a valid credential, and no permission.',
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
