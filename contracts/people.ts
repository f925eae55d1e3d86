// What the areas that are about people have in common.

import { z } from 'zod';
import { roleSchema } from './permissions.ts';
import { idSchema, nameSchema } from './primitives.ts';

export const LANGUAGES = ['en', 'tr'] as const;
export type Language = (typeof LANGUAGES)[number];

export const languageSchema = z.enum(LANGUAGES).meta({ description: 'In which mails are written.' });

export const PASSWORD_LENGTHS = { shortest: 12, longest: 256 } as const;

/** For a new one; whether it is among the commonest the server looks up. */
export const newPasswordSchema = z.string().min(PASSWORD_LENGTHS.shortest).max(PASSWORD_LENGTHS.longest).meta({
  format: 'password',
  description: 'None of the commonest, no rows of keys, and more than your address or the product’s name.',
});

/** For one that is compared: whatever was once good. */
export const passwordSchema = z.string().min(1, 'Required').max(PASSWORD_LENGTHS.longest).meta({ format: 'password' });

/** The secret in a link that was mailed, or a refresh token: opaque. */
export const secretSchema = z.string().min(1, 'Required').max(512);

export const membershipSchema = z
  .object({ id: idSchema.meta({ description: "The tenant's." }), name: nameSchema, role: roleSchema })
  .meta({ id: 'Membership' });

export const signedInSchema = z
  .object({
    accessToken: z.string(),
    tokenType: z.literal('Bearer'),
    expiresIn: z.number().int().meta({ description: 'Seconds.' }),
    refreshToken: z.string(),
    refreshExpiresIn: z.number().int().meta({ description: 'Seconds.' }),
    passwordChangeRequired: z
      .literal(true)
      .optional()
      .meta({ description: 'Nothing else is answered until `PUT /v1/auth/password` has set a new one.' }),
  })
  .meta({ id: 'SignedIn' });
export type SignedIn = z.infer<typeof signedInSchema>;

export const signedInExample = {
  accessToken: 'eyJhbGciOiJIUzI1NiIsImtpZCI6IjEtNjgyIn0.…',
  tokenType: 'Bearer',
  expiresIn: 900,
  refreshToken: 'dfr_0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f_00000000_…',
  refreshExpiresIn: 2_592_000,
};
