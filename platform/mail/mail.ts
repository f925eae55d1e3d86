// The port to people's mailboxes: one message to one address, handed over to whoever delivers it.
// Not in it: what a mail says, retries, and whether it was read.

import { finalError, transientError } from '../errors.ts';

export interface MailMessage {
  /**
   * Its Message-ID is made of it, so that a message handed over twice can be known for one. Letters, digits and dashes, as
   * of a UUID.
   */
  readonly id: string;
  /** One address, in Unicode or ASCII. */
  readonly to: string;
  /** In any characters; what would end its line becomes a space. */
  readonly subject: string;
  readonly text: string;
  /** The same as a page. */
  readonly html: string;
}

/** A mailbox and whose it is. */
export interface Mailbox {
  /** Empty where it has none. */
  readonly name: string;
  readonly address: string;
}

/** This message will never be taken: its address is refused, or is none. */
export class MailRefused extends finalError('mail-refused') {}

/** It was not taken now: the server is away, busy, or has no room for it. */
export class MailNotTaken extends transientError('mail-not-taken') {}

export interface Mail {
  /** Resolves once the message is whoever's who delivers it. Rejects with `MailRefused` or `MailNotTaken`. */
  send(message: MailMessage): Promise<void>;
  /** What is under way then may fail as not taken. */
  close(): Promise<void>;
}

// oxlint-disable-next-line no-control-regex -- what must not get into a header
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** As one line of a header. */
export const headerText = (text: string): string => text.replaceAll(CONTROLS, ' ').trim();

/** Throws `MailRefused` for what is no address, or more than its line. */
export function checkAddress(address: string): void {
  if (headerText(address) !== address || !/^.+@.+$/.test(address))
    throw new MailRefused('this is no address of a mailbox');
}

export const messageIdOf = (id: string, from: Mailbox): string =>
  `<${id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`;

/** Programs that answer mails by themselves leave these alone (RFC 3834, section 5). */
export const AUTOMATIC_HEADERS: Readonly<Record<string, string>> = {
  'Auto-Submitted': 'auto-generated',
  'X-Auto-Response-Suppress': 'All',
};
