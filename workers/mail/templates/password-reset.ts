import { greetingIn, type Language, type MailWords, momentIn } from './mail-text.ts';

export interface PasswordResetFacts {
  /** Null of one who has not said it. */
  readonly name: string | null;
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export const passwordReset: Readonly<Record<Language, (facts: PasswordResetFacts) => MailWords>> = {
  en: ({ name, url, expiresAt }) => ({
    subject: 'Set a new password for Defter',
    greeting: greetingIn('en', name),
    before: ['Somebody, most likely you, asked for a new password for your account at Defter.'],
    action: { label: 'Set a new password', url },
    after: [
      `The link is good until ${momentIn('en', expiresAt)}, once; a newer one takes its place. A new password ends all your sessions.`,
      'If it was not you, do nothing: your password stays as it is.',
    ],
  }),
  tr: ({ name, url, expiresAt }) => ({
    subject: 'Defter için yeni bir parola belirleyin',
    greeting: greetingIn('tr', name),
    before: ['Defter hesabınız için yeni bir parola istendi; isteyen büyük olasılıkla sizsiniz.'],
    action: { label: 'Yeni parola belirle', url },
    after: [
      `Bağlantı ${momentIn('tr', expiresAt)} anına kadar, bir kez geçerlidir; daha yenisi istenirse onun yerini alır. Yeni parola bütün oturumlarınızı kapatır.`,
      'İsteyen siz değilseniz bir şey yapmanız gerekmez: parolanız olduğu gibi kalır.',
    ],
  }),
};
