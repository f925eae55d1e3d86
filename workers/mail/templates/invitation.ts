import { asName, greetingIn, type Language, type MailWords, momentIn } from './mail-text.ts';

export interface InvitationFacts {
  /** As the tenant calls itself. */
  readonly tenantName: string;
  readonly role: string;
  /** Null where whoever invites gave none. */
  readonly name: string | null;
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const ROLES: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en: {
    'platform-admin': 'an administrator of the platform',
    admin: 'an administrator',
    member: 'a member',
    viewer: 'a viewer',
  },
  tr: { 'platform-admin': 'platform yöneticisi', admin: 'yönetici', member: 'üye', viewer: 'izleyici' },
};

/** To somebody who may not know Defter: says who invites to what, and that nothing happens unless they want it. */
export const invitation: Readonly<Record<Language, (facts: InvitationFacts) => MailWords>> = {
  en: ({ tenantName, name, role, url, expiresAt }) => ({
    subject: `You are invited to ${asName(tenantName)} on Defter`,
    greeting: greetingIn('en', name),
    before: [`${asName(tenantName)} invites you to work with it on Defter, as ${ROLES.en[role] ?? role}.`],
    action: { label: 'Accept the invitation', url },
    after: [
      `The link is good until ${momentIn('en', expiresAt)}, once.`,
      'If you did not expect this, do nothing: without the link nobody gets an account in your name.',
    ],
  }),
  tr: ({ tenantName, name, role, url, expiresAt }) => ({
    subject: `Defter’de ${asName(tenantName)} sizi davet ediyor`,
    greeting: greetingIn('tr', name),
    before: [
      `${asName(tenantName)}, sizi Defter’de birlikte çalışmaya davet ediyor. Rolünüz: ${ROLES.tr[role] ?? role}.`,
    ],
    action: { label: 'Daveti kabul et', url },
    after: [
      `Bağlantı ${momentIn('tr', expiresAt)} anına kadar, bir kez geçerlidir.`,
      'Böyle bir davet beklemiyorsanız bir şey yapmanız gerekmez: bağlantı kullanılmadıkça adınıza hesap açılmaz.',
    ],
  }),
};
