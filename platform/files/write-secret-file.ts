import { chmod, open } from 'node:fs/promises';

/** Writes a text into a file that only its owner may read, durably; one that is there is written over. */
export async function writeSecretFile(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await chmod(file, 0o600);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
