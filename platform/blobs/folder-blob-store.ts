// Blobs as files: `<folder>/<tenant>/<first two digits>/<hash>`. A blob is written under `.incoming`, synced, renamed
// and its folder synced, so a name stands for all of its bytes or does not exist, whatever moment the power goes.

import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type BlobStore, checkBlobName, isBlobName } from './blob-store.ts';
import { syncFolder } from '../files/sync-folder.ts';

const INCOMING = '.incoming';
/** A temporary file that nothing was written to for so long was left by a crash. */
const LEFTOVER_MS = 3_600_000;
const MOST_KNOWN_FOLDERS = 10_000;

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return undefined;
  throw error;
}

async function readExactly(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const size = Math.max(0, Math.min(length, (await file.stat()).size - offset));
  const bytes = Buffer.allocUnsafe(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await file.read(bytes, filled, size - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
}

async function removeLeftovers(incoming: string, before: number): Promise<void> {
  for (const entry of await readdir(incoming)) {
    const path = join(incoming, entry);
    const found = await stat(path).catch(absent);
    if (found && found.mtimeMs < before) await unlink(path).catch(absent);
  }
}

/** The sorted names in a folder; none when there is no such folder. Hidden ones are not blobs'. */
async function entries(folder: string): Promise<string[]> {
  const found = (await readdir(folder).catch(absent)) ?? [];
  return found.filter((entry) => !entry.startsWith('.')).sort();
}

/** Makes a folder and what is missing on the way to it; each is synced into its parent. */
async function makeDurably(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let at = path; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at));
}

/** Makes `folder` when it is absent. Several threads and processes may use one folder. */
export async function openFolderBlobStore(place: string, now: () => number = Date.now): Promise<BlobStore> {
  const folder = resolve(place);
  const incoming = join(folder, INCOMING);
  await makeDurably(incoming);
  await removeLeftovers(incoming, now() - LEFTOVER_MS);
  const durable = new Set<string>();

  const pathOf = (name: string) => {
    checkBlobName(name);
    const [tenant = '', hash = ''] = name.split('/');
    return join(folder, tenant, hash.slice(0, 2), hash);
  };

  /** Another thread may have made a folder and not synced it yet: each store syncs for itself, once. */
  const makeFolder = async (path: string): Promise<void> => {
    if (durable.has(path)) return;
    await mkdir(path, { recursive: true });
    for (let at = path; at !== folder; at = dirname(at)) await syncFolder(dirname(at));
    if (durable.size >= MOST_KNOWN_FOLDERS) durable.clear();
    durable.add(path);
  };

  const moveIn = async (temporary: string, path: string): Promise<void> => {
    await makeFolder(dirname(path));
    await rename(temporary, path);
    await syncFolder(dirname(path));
  };

  const writeStream: BlobStore['writeStream'] = async (bytes, name) => {
    const temporary = join(incoming, randomUUID());
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        for await (const part of bytes) await writeAll(file, part);
        await file.sync();
      } finally {
        await file.close();
      }
      await moveIn(temporary, pathOf(name()));
    } catch (error) {
      await unlink(temporary).catch(absent);
      throw error;
    }
  };

  return {
    async write(name, bytes) {
      checkBlobName(name);
      const once = async function* () {
        yield bytes;
      };
      await writeStream(once(), () => name);
    },
    writeStream,
    async read(name, range) {
      const { offset, length } = range ?? { offset: 0, length: Number.MAX_SAFE_INTEGER };
      if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
        throw new RangeError('a range is two whole numbers, zero or more');
      }
      const file = await open(pathOf(name), 'r').catch(absent);
      if (!file) return undefined;
      try {
        return await readExactly(file, offset, length);
      } finally {
        await file.close();
      }
    },
    async writtenAt(name) {
      const found = await stat(pathOf(name)).catch(absent);
      return found && Math.floor(found.mtimeMs);
    },
    async remove(name) {
      const path = pathOf(name);
      const removed = await unlink(path).then(() => true, absent);
      if (removed) await syncFolder(dirname(path));
    },
    async list(prefix, limit, after = '') {
      const names: string[] = [];
      /** Whether names that begin with `start` can still be asked for. */
      const wanted = (start: string) =>
        (start.startsWith(prefix) || prefix.startsWith(start)) && start >= after.slice(0, start.length);
      // With its slash, because `a-b/…` comes before `a/…`.
      const tenants = (await entries(folder)).map((tenant) => `${tenant}/`).sort();
      for (const tenant of tenants.filter(wanted)) {
        for (const shard of await entries(join(folder, tenant))) {
          if (!wanted(`${tenant}${shard}`)) continue;
          for (const hash of await entries(join(folder, tenant, shard))) {
            const name = `${tenant}${hash}`;
            if (names.length >= limit) return names;
            if (isBlobName(name) && name.startsWith(prefix) && name > after) names.push(name);
          }
        }
      }
      return names;
    },
    close: async () => undefined,
  };
}
