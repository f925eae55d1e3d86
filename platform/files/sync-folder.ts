import { closeSync, fsyncSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** What keeps a new or removed name: syncing a file syncs what is in it, not its name in the folder. */
export async function syncFolder(folder: string): Promise<void> {
  if (!canBeSynced) return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same, for a thread that may block. */
export function syncFolderNow(folder: string): void {
  if (!canBeSynced) return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Windows opens no folders. */
const canBeSynced = process.platform !== 'win32';
