import { greetingIn, type Language, type MailWords, momentIn } from './mail-text.ts';

export interface EmailConfirmationFacts {
  /** Null of one who has not said it. */
  readonly name: string | null;
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** To the new address: until it is confirmed the old one stays. */
export const emailConfirmation: Readonly<Record<Language, (facts: EmailConfirmationFacts) => MailWords>> = {
  en: ({ name, url, expiresAt }) => ({
    subject: 'Confirm your new e-mail address for Defter',
    greeting: greetingIn('en', name),
    before: ['You asked to sign in to Defter with this address from now on.'],
    action: { label: 'Confirm this address', url },
    after: [
      `The link is good until ${momentIn('en', expiresAt)}, once. Until then your old address stays.`,
      'If you do not know of this, do nothing: no account gets your address.',
    ],
  }),
  tr: ({ name, url, expiresAt }) => ({
    subject: 'Defter için yeni e-posta adresinizi doğrulayın',
    greeting: greetingIn('tr', name),
    before: ['Defter’e bundan böyle bu adresle girmek istediniz.'],
    action: { label: 'Bu adresi doğrula', url },
    after: [
      `Bağlantı ${momentIn('tr', expiresAt)} anına kadar, bir kez geçerlidir. O zamana kadar eski adresiniz kalır.`,
      'Bundan haberiniz yoksa bir şey yapmanız gerekmez: adresiniz hiçbir hesaba bağlanmaz.',
    ],
  }),
};
