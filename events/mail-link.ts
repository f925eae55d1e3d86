// The links in mails: what each is for, and how long it is good. Its token is derived from the event that offered it
// (platform/auth/link-token.ts), so whoever mails it and whoever takes it say the same of it here.

import type { LinkRequest } from './user.ts';

/** What a token is for; one for one purpose proves nothing for another. */
export const LINK_PURPOSES = {
  invitation: 'invitation',
  passwordReset: 'password-reset',
  emailChange: 'email-change',
} as const;

/** Milliseconds. */
export const PASSWORD_RESET_MS = 30 * 60_000;
export const EMAIL_CHANGE_MS = 60 * 60_000;

/** Whom an invitation's token concerns: a person's part in a tenant. Neither id has a slash. */
export const invitationSubject = (tenantId: string, userId: string): string => `${tenantId}/${userId}`;

/** Undefined for what is no invitation's. */
export function readInvitationSubject(subject: string) {
  const [, tenantId, userId] = /^([\w-]{1,64})\/([\w-]{1,64})$/.exec(subject) ?? [];
  return tenantId === undefined || userId === undefined ? undefined : { tenantId, userId };
}

/** Whether what was asked for can still be answered by its link. `now` in milliseconds since the epoch. */
export const isOpen = (request: LinkRequest | null, goodForMs: number, now: number): request is LinkRequest =>
  request !== null && now < request.at + goodForMs;
