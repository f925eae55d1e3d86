// The first key. On a terminal it is shown; otherwise it goes to a file that only the owner may read, before the key is
// valid, so that a crash in between loses no key.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createApiKey, identifyApiKey } from '#platform/auth/api-key.ts';
import { apiKeys } from '#events/api-key.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { writeSecretFile } from '#platform/files/write-secret-file.ts';
import { FIRST_KEY_ID, issueKey } from './bootstrap.ts';
import type { CommandPorts } from './run-command.ts';

export type FirstKey =
  | { readonly given: true }
  /** Made by this start; `file` is where it was written, when it was. */
  | { readonly given: false; readonly key: string; readonly file: string | undefined }
  /** Made by an earlier start, which alone knew it. */
  | { readonly given: false; readonly key: undefined; readonly file: undefined };

export interface FirstKeyOptions extends CommandPorts {
  /** API_KEY, when it is set. */
  readonly apiKey: string | undefined;
  readonly dataDir: string;
  /** Whether the key can be shown to a person. */
  readonly shown: boolean;
}

/** Whether an earlier start has made it. */
async function hasFirstKey(store: Pick<EventStore, 'readStream'>): Promise<boolean> {
  return (await store.readStream(apiKeys.stream(FIRST_KEY_ID), { limit: 1 })).length > 0;
}

export async function makeFirstKey({ apiKey, dataDir, shown, ...ports }: FirstKeyOptions): Promise<FirstKey> {
  if (apiKey !== undefined) {
    await issueKey(ports, identifyApiKey(apiKey).id, 'API_KEY', apiKey);
    return { given: true };
  }
  if (await hasFirstKey(ports.store)) return { given: false, key: undefined, file: undefined };
  const file = join(dataDir, 'first-key');
  const key = (await readKey(file)) ?? createApiKey(FIRST_KEY_ID, randomBytes(32));
  if (!shown) await writeSecretFile(file, `${key}\n`);
  await issueKey(ports, FIRST_KEY_ID, 'first key', key);
  return { given: false, key, file: shown ? undefined : file };
}

/** What an earlier start that died had written. */
async function readKey(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const key = text.trim();
  return identifyApiKey(key).id === FIRST_KEY_ID ? key : undefined;
}
