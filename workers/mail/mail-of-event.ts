// Which mail an event leads to, if it still does: an offer that is expired, spent or voided by a newer one is not mailed, nor
// is news of long ago.

import type { KeyObject } from 'node:crypto';
import type { RecordedEvent } from '#events/envelope.ts';
import { EMAIL_CHANGE_MS, invitationSubject, isOpen, LINK_PURPOSES, PASSWORD_RESET_MS } from '#events/mail-link.ts';
import { members } from '#events/member.ts';
import { subjectOf } from '#events/streams.ts';
import { type User, users } from '#events/user.ts';
import { createLinkToken } from '#platform/auth/link-token.ts';
import type { MailMessage } from '#platform/mail/mail.ts';
import type { MailFacts } from './mail-facts.ts';
import { emailChanged } from './templates/email-changed.ts';
import { emailConfirmation } from './templates/email-confirmation.ts';
import { invitation } from './templates/invitation.ts';
import { languageOf, type Language, type MailWords, renderMail } from './templates/mail-text.ts';
import { passwordChanged } from './templates/password-changed.ts';
import { passwordReset } from './templates/password-reset.ts';

/** A notice that is older tells nothing that its reader could still act on; the log may be read from its beginning again. */
const NEWS_MS = 24 * 3_600_000;

export interface MailOfEventParts {
  readonly facts: MailFacts;
  readonly serverKey: KeyObject;
  /** Where links begin, without a slash at its end. */
  readonly publicUrl: string;
  readonly now: () => number;
}

export type MailOfEvent = (event: RecordedEvent) => Promise<MailMessage | undefined>;

const MAILED: ReadonlySet<string> = new Set([
  'MembershipOffered',
  'PasswordResetRequested',
  'EmailChangeRequested',
  'PasswordSet',
  'PasswordReset',
  'EmailChanged',
]);

/** Whether an event may lead to a mail. */
export const mayBeMailed = ({ type }: RecordedEvent): boolean => MAILED.has(type);

export function createMailOfEvent({ facts, serverKey, publicUrl, now }: MailOfEventParts): MailOfEvent {
  /** What is behind the # stays with whoever opens the link: no server and no proxy is sent it, so none can log it. */
  const link = (path: string, token: string) => `${publicUrl}/${path}#${token}`;

  async function letter(
    { id }: RecordedEvent,
    to: string | null | undefined,
    user: Pick<User, 'language'>,
    words: (language: Language) => MailWords,
  ): Promise<MailMessage | undefined> {
    // Whose data was erased is written to no more.
    if (to == null) return undefined;
    const language = languageOf(user.language);
    return { id, to, ...renderMail(language, publicUrl, words(language)) };
  }

  /** Null where nobody has said one, and where it was erased. */
  const nameOf = async (userId: string, { name }: User) => (await facts.open(userId, name)) ?? null;

  async function invite(event: RecordedEvent): Promise<MailMessage | undefined> {
    const offered = await facts.member(event.stream);
    if (offered.status !== 'offered') return undefined;
    const { tenantId, userId, role, offer } = offered.member;
    if (offer?.eventId !== event.id || offer.expiresAt <= now()) return undefined;
    const [person, tenant] = await Promise.all([facts.user(userId), facts.tenant(tenantId)]);
    if ((person.status !== 'invited' && person.status !== 'active') || tenant.status !== 'active') return undefined;
    const { user } = person;
    const token = createLinkToken(serverKey, LINK_PURPOSES.invitation, invitationSubject(tenantId, userId), event.id);
    const name = await nameOf(userId, user);
    const url = link('invitation', token);
    // Without an account it is an address, and the one that this tenant wrote; with one it is the person's own.
    const { email } = person.status === 'invited' ? offered.member : user;
    return letter(event, await facts.open(userId, email), user, (language) =>
      invitation[language]({ tenantName: tenant.name, name, role, url, expiresAt: offer.expiresAt }),
    );
  }

  async function offerReset(event: RecordedEvent): Promise<MailMessage | undefined> {
    const userId = subjectOf(event.stream);
    const person = await facts.user(userId);
    if (person.status !== 'active') return undefined;
    const { user } = person;
    const { passwordReset: request } = user;
    if (request?.eventId !== event.id || !isOpen(request, PASSWORD_RESET_MS, now())) return undefined;
    const url = link('reset', createLinkToken(serverKey, LINK_PURPOSES.passwordReset, userId, event.id));
    const said = { name: await nameOf(userId, user), url, expiresAt: request.at + PASSWORD_RESET_MS };
    return letter(event, await facts.open(userId, user.email), user, (language) => passwordReset[language](said));
  }

  async function confirmEmail(event: RecordedEvent): Promise<MailMessage | undefined> {
    const userId = subjectOf(event.stream);
    const person = await facts.user(userId);
    if (person.status !== 'active') return undefined;
    const { user } = person;
    const { emailChange: request } = user;
    if (request?.eventId !== event.id || !isOpen(request, EMAIL_CHANGE_MS, now())) return undefined;
    const url = link('confirm-email', createLinkToken(serverKey, LINK_PURPOSES.emailChange, userId, event.id));
    const name = await nameOf(userId, user);
    return letter(event, await facts.open(userId, request.email), user, (language) =>
      emailConfirmation[language]({ name, url, expiresAt: request.at + EMAIL_CHANGE_MS }),
    );
  }

  /** What somebody should hear who did not do it: in the language and at the address that were theirs right before. */
  async function tell(
    event: RecordedEvent,
    words: (before: User, name: string | null) => ((language: Language) => MailWords) | undefined,
  ): Promise<MailMessage | undefined> {
    if (event.recordedAt + NEWS_MS <= now()) return undefined;
    const before = await facts.userBefore(event);
    if (before.status === 'absent') return undefined;
    const userId = subjectOf(event.stream);
    const { user } = before;
    const said = words(user, await nameOf(userId, user));
    return said && letter(event, await facts.open(userId, user.email), user, said);
  }

  const tellOfPassword = (event: RecordedEvent) =>
    tell(event, ({ hash }, name) => {
      // The first password is no news to whoever has just set it.
      if (hash === null) return undefined;
      const said = { name, changedAt: event.recordedAt, url: `${publicUrl}/forgot` };
      return (language) => passwordChanged[language](said);
    });

  const tellOfAddress = (event: RecordedEvent) =>
    tell(event, (_, name) => (language) => emailChanged[language]({ name, changedAt: event.recordedAt }));

  return async (event) => {
    if (members.owns(event)) return event.type === 'MembershipOffered' ? invite(event) : undefined;
    if (!users.owns(event)) return undefined;
    switch (event.type) {
      case 'PasswordResetRequested':
        return offerReset(event);
      case 'EmailChangeRequested':
        return confirmEmail(event);
      case 'PasswordSet':
      case 'PasswordReset':
        return tellOfPassword(event);
      case 'EmailChanged':
        return tellOfAddress(event);
      default:
        return undefined;
    }
  };
}
