import { join } from 'node:path';
import { openFolderMail } from '../mail/folder-mail.ts';
import type { Mail, Mailbox } from '../mail/mail.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

const NOBODYS: Mailbox = { name: 'Defter', address: 'defter@localhost' };

/** SMTP, or else files in DATA_DIR. Its health is not asked: who waits for a mail server needs nothing else less. */
export async function openMail({ config, log }: AdapterOptions): Promise<Opened<Mail>> {
  const { smtpUrl: server, mailFrom: from = NOBODYS, dataDir } = config;
  if (!server) return opened(await openFolderMail({ folder: join(dataDir, 'outbox'), from, log }));
  return opened((await import('../mail/smtp-mail.ts')).openSmtpMail({ server, from }));
}
