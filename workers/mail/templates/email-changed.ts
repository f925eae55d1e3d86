import { greetingIn, type Language, type MailWords, momentIn } from './mail-text.ts';

export interface EmailChangedFacts {
  /** Null of one who has not said it. */
  readonly name: string | null;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
}

/** To the address that it was before: whoever did not do it has no other way to hear of it. */
export const emailChanged: Readonly<Record<Language, (facts: EmailChangedFacts) => MailWords>> = {
  en: ({ name, changedAt }) => ({
    subject: 'Your e-mail address for Defter was changed',
    greeting: greetingIn('en', name),
    before: [
      `On ${momentIn('en', changedAt)} your account at Defter got another e-mail address. This one is good for it no more.`,
      'If it was you, all is well.',
    ],
    after: ['If it was not you, tell whoever runs this Defter: they can disable the account.'],
  }),
  tr: ({ name, changedAt }) => ({
    subject: 'Defter e-posta adresiniz değiştirildi',
    greeting: greetingIn('tr', name),
    before: [
      `Defter hesabınızın e-posta adresi ${momentIn('tr', changedAt)} anında değiştirildi. Bu adres artık o hesabın değil.`,
      'Değiştiren sizseniz sorun yok.',
    ],
    after: ['Değiştiren siz değilseniz bu Defter’i işletene haber verin: hesabı kapatabilir.'],
  }),
};
