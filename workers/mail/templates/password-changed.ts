import { greetingIn, type Language, type MailWords, momentIn } from './mail-text.ts';

export interface PasswordChangedFacts {
  /** Null of one who has not said it. */
  readonly name: string | null;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
  /** Where a new password is asked for. */
  readonly url: string;
}

/** So that whoever did not do it hears of it. */
export const passwordChanged: Readonly<Record<Language, (facts: PasswordChangedFacts) => MailWords>> = {
  en: ({ name, changedAt, url }) => ({
    subject: 'Your password for Defter was changed',
    greeting: greetingIn('en', name),
    before: [`Your password for Defter was changed on ${momentIn('en', changedAt)}.`, 'If it was you, all is well.'],
    action: { label: 'It was not me: set a new password', url },
    after: ['A new password ends all sessions. Then tell whoever runs this Defter.'],
  }),
  tr: ({ name, changedAt, url }) => ({
    subject: 'Defter parolanız değiştirildi',
    greeting: greetingIn('tr', name),
    before: [`Defter parolanız ${momentIn('tr', changedAt)} anında değiştirildi.`, 'Değiştiren sizseniz sorun yok.'],
    action: { label: 'Ben değiştirmedim: yeni parola belirle', url },
    after: ['Yeni parola bütün oturumları kapatır. Ardından bu Defter’i işletene haber verin.'],
  }),
};
