// The one key that everything else is wrapped by: given by configuration, or kept in a file that is made at first start.

import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../errors.ts';
import { syncFolder } from '../files/sync-folder.ts';

const hasCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code;

/** 32 bytes written as 64 hexadecimal digits or as base64 (either alphabet); undefined when the text is neither. */
export function parseMasterKey(text: string): Buffer | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return Buffer.from(trimmed, 'base64');
  return undefined;
}

/** Written whole under another name, then linked: whoever comes second finds the first one's key, never half of one. */
async function makeKeyFile(folder: string, path: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(32).toString('base64')}\n`);
    await handle.sync();
    await link(temporary, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await handle.close();
    await unlink(temporary);
  }
  await syncFolder(folder);
}

/**
 * The master key, 32 bytes: `given` (the value of MASTER_KEY) if there is one, else the file `master-key` in `folder`,
 * made with mode 0600 when it is absent, unless `mayMake` is false: then a StartError says that it is missing. Throws
 * when either is not a key.
 */
export async function loadMasterKey(options: {
  readonly given?: string;
  readonly folder: string;
  readonly mayMake?: boolean;
}): Promise<Buffer> {
  const { given, folder, mayMake = true } = options;
  if (given !== undefined) {
    const key = parseMasterKey(given);
    if (!key) throw new TypeError('MASTER_KEY must be 32 bytes in hexadecimal or base64');
    return key;
  }
  const path = join(folder, 'master-key');
  const text = await readFile(path, 'utf8').catch(async (error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
    if (!mayMake)
      throw new StartError(
        `${path} is missing, and without it nothing in DATA_DIR can be read: put it back, or set MASTER_KEY to what it held.`,
        'master-key-missing',
      );
    await makeKeyFile(folder, path);
    return readFile(path, 'utf8');
  });
  const key = parseMasterKey(text);
  if (!key) throw new StartError(`${path} does not hold a master key of 32 bytes.`, 'master-key-unreadable');
  return key;
}
