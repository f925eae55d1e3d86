// Mail without a server: each message is a file in the outbox, for whoever runs this installation to pass on. What is in it
// lets its reader into an account, so the files are for one user's eyes and do not stay.

import { randomUUID } from 'node:crypto';
import { chmod, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isStorageFault } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { Log } from '../logging/log.ts';
import {
  AUTOMATIC_HEADERS,
  checkAddress,
  headerText,
  type Mail,
  type Mailbox,
  type MailMessage,
  MailNotTaken,
  messageIdOf,
} from './mail.ts';

/** As long as the links in mails are good for that reset a password. */
const KEEP_MS = 30 * 60_000;
const LOOK_EVERY_MS = 15_000;

export interface FolderMailOptions {
  readonly folder: string;
  readonly from: Mailbox;
  readonly log: Log;
  /** Milliseconds that a file stays. */
  readonly keepMs?: number;
}

/** Rejects with Node's error when the folder can be neither made nor read. */
export async function openFolderMail({ folder, from, log, keepMs = KEEP_MS }: FolderMailOptions): Promise<Mail> {
  makeFolder(folder);
  await chmod(folder, 0o700);
  await removeOld(folder, keepMs);
  const looking = setInterval(
    () => {
      removeOld(folder, keepMs).catch((err: unknown) =>
        log.warn({ err }, 'old mails in the outbox could not be removed'),
      );
    },
    Math.min(keepMs, LOOK_EVERY_MS),
  );
  looking.unref();
  return {
    async send(message) {
      checkAddress(message.to);
      const file = join(folder, `${message.id}.eml`);
      const unfinished = join(folder, `${randomUUID()}.tmp`);
      try {
        await writeFile(unfinished, textOf(message, from, new Date()), { mode: 0o600, flag: 'wx', flush: true });
        await rename(unfinished, file);
      } catch (error) {
        throw isStorageFault(error) ? new MailNotTaken('the outbox takes no file now', { cause: error }) : error;
      }
      log.info({ file }, 'a mail is in the outbox, as SMTP_URL is not set');
    },
    close() {
      clearInterval(looking);
      return Promise.resolve();
    },
  };
}

async function removeOld(folder: string, keepMs: number): Promise<void> {
  const before = Date.now() - keepMs;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = (await stat(path).catch(unlessGone)) ?? {};
    if (mtimeMs !== undefined && mtimeMs <= before) await rm(path, { force: true });
  }
}

function unlessGone(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

/**
 * A message as mail programs read it (RFC 5322; headers in UTF-8 by RFC 6532), its text first and as it is, so that people
 * read it too and find its link unbroken.
 */
function textOf({ id, to, subject, text, html }: MailMessage, from: Mailbox, now: Date): string {
  const boundary = `=_${randomUUID()}`;
  const sender = from.name === '' ? from.address : `"${from.name.replaceAll(/["\\]/g, '\\$&')}" <${from.address}>`;
  const part = (type: string, body: string) => [
    `--${boundary}`,
    `Content-Type: ${type}; charset=utf-8`,
    'Content-Transfer-Encoding: 8bit',
    '',
    body,
  ];
  return [
    `From: ${headerText(sender)}`,
    `To: ${to}`,
    `Subject: ${headerText(subject)}`,
    `Date: ${now.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${messageIdOf(id, from)}`,
    ...Object.entries(AUTOMATIC_HEADERS).map(([name, value]) => `${name}: ${value}`),
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    ...part('text/plain', text),
    ...part('text/html', html),
    `--${boundary}--`,
    '',
  ].join('\n');
}
