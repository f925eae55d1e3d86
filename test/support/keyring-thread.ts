// A thread that opens a vault of its own on a shared file and seals for each subject as soon as all threads are there.

import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { openKeyring } from '#platform/vault/keyring.ts';
import { openSqliteVault } from '#platform/vault/sqlite-vault.ts';

export interface KeyringThreadData {
  readonly folder: string;
  readonly masterKey: Uint8Array;
  readonly subjects: readonly string[];
  readonly threads: number;
  /** Counts the threads that are ready. */
  readonly ready: Int32Array<SharedArrayBuffer>;
}

const { folder, masterKey, subjects, threads, ready } = workerData as KeyringThreadData;
const vault = openSqliteVault(join(folder, 'vault.sqlite'));
const keyring = await openKeyring({ vault, masterKey });
Atomics.add(ready, 0, 1);
while (Atomics.load(ready, 0) < threads);
const sealed = [];
for (const subject of subjects) {
  await keyring.createSubject(subject);
  sealed.push({ subject, ...(await keyring.seal(subject, Buffer.from(subject))) });
}
keyring.close();
await vault.close();
parentPort?.postMessage(sealed, []);
