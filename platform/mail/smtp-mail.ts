// Mail over SMTP (RFC 5321) by nodemailer.

import { createTransport, type NodemailerError } from 'nodemailer';
import type { SmtpAddress } from '../config/mail-server-url.ts';
import { asError } from '../errors.ts';
import {
  AUTOMATIC_HEADERS,
  checkAddress,
  headerText,
  type Mail,
  type Mailbox,
  MailNotTaken,
  MailRefused,
  messageIdOf,
} from './mail.ts';

/** Milliseconds, each; `wholeMs` is for one message with all that it takes. */
export interface SmtpDeadlines {
  readonly connectMs: number;
  readonly greetingMs: number;
  readonly silenceMs: number;
  readonly wholeMs: number;
}

const DEADLINES: SmtpDeadlines = { connectMs: 10_000, greetingMs: 10_000, silenceMs: 30_000, wholeMs: 60_000 };

export interface SmtpMailOptions {
  readonly server: SmtpAddress;
  readonly from: Mailbox;
  readonly deadlines?: SmtpDeadlines;
}

/** Connects when there is something to send, and keeps no idle connection for long. Certificates are always verified. */
export function openSmtpMail({ server, from, deadlines = DEADLINES }: SmtpMailOptions): Mail {
  const { host, port, tls, user, password } = server;
  const pool = createTransport({
    pool: true,
    host,
    port,
    secure: tls === 'at-once',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'off',
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true },
    ...(user !== undefined && { auth: { user, pass: password } }),
    maxConnections: 2,
    maxMessages: 100,
    // Whoever sends tries again, and says so.
    maxRequeues: 0,
    idleTimeout: 30_000,
    connectionTimeout: deadlines.connectMs,
    dnsTimeout: deadlines.connectMs,
    greetingTimeout: deadlines.greetingMs,
    socketTimeout: deadlines.silenceMs,
    socketCloseTimeout: 1_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ id, to, subject, text, html }) {
      checkAddress(to);
      const recipient = { name: '', address: to };
      try {
        await pool.sendMail({
          messageId: messageIdOf(id, from),
          envelope: { from: from.address, to: recipient },
          from: { ...from },
          to: recipient,
          subject: headerText(subject),
          text,
          html,
          headers: { ...AUTOMATIC_HEADERS },
          signal: AbortSignal.timeout(deadlines.wholeMs),
        });
      } catch (error) {
        throw refusalOf(asError(error));
      }
    },
    close() {
      pool.close({ force: true });
      return Promise.resolve();
    },
  };
}

/**
 * A reply of 5yz to the address or the message is for good (RFC 5321, section 4.2.1). Of a connection, a login or a sender
 * it tells of the server, or of how it is to be reached: no message's fault. The client's own error names the recipient, so
 * it goes no further.
 */
function refusalOf({ code, command, permanent, message }: NodemailerError): MailRefused | MailNotTaken {
  const said = [code, command, withoutPersonal(message)].filter((part) => part !== undefined).join(', ');
  const isRefused = command === 'API' ? code === 'EENVELOPE' : permanent === true && OF_THE_MESSAGE.has(command ?? '');
  return isRefused
    ? new MailRefused(`the mail server refuses the message: ${said}`)
    : new MailNotTaken(`the mail server did not take the message: ${said}`);
}

const OF_THE_MESSAGE = new Set(['RCPT TO', 'DATA']);

/** Servers quote what they refuse: addresses, and links that let their reader in. */
const withoutPersonal = (text: string): string => text.replaceAll(/\S*[@/#]\S*|\S{32,}/g, '…').slice(0, 300);
