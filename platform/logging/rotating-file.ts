// A log file that is rotated by size: `<name>.log`, then `<name>.log.1` (the newest) to `<name>.log.<files>`; rotated
// files past their age are deleted. When the disk fails (full, gone) the file is opened anew every few seconds, and what
// could not be written is reported as lost.

import { appendFileSync } from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import { asError, codeOf } from '../errors.ts';
import type { LineOutput } from './line-queue.ts';
import { makeFolder } from '../files/make-folder.ts';

export interface Rotation {
  readonly maxBytes: number;
  /** Rotated files kept. */
  readonly files: number;
  readonly maxAgeMs: number;
}

const reopenAfterMs = 5_000;
const ageCheckMs = 3_600_000;

/** Makes the folder; throws Node's error when it or the file cannot be opened for writing. */
export async function openRotatingFile(
  folder: string,
  name: string,
  rotation: Rotation,
): Promise<LineOutput & { close(): Promise<void> }> {
  makeFolder(folder);
  const fileName = `${name}.log`;
  const path = join(folder, fileName);
  let stream: RotatingFileStream | undefined;
  let brokenAt = 0;

  function open(): RotatingFileStream {
    const opened = createStream(fileName, {
      path: folder,
      size: `${rotation.maxBytes}B`,
      rotate: rotation.files,
      mode: 0o600,
    });
    opened.on('error', () => {
      if (stream === opened) stream = undefined;
      brokenAt = Date.now();
    });
    opened.on('rotated', () => void deleteOld(folder, fileName, rotation.maxAgeMs));
    return opened;
  }

  async function openFirst(): Promise<void> {
    const opened = open();
    await new Promise<void>((resolve, reject) => opened.once('open', () => resolve()).once('error', reject));
    stream = opened;
  }

  await openFirst();
  await deleteOld(folder, fileName, rotation.maxAgeMs);
  const ageTimer = setInterval(() => void deleteOld(folder, fileName, rotation.maxAgeMs), ageCheckMs).unref();

  return {
    write(chunk, done) {
      if (!stream && Date.now() - brokenAt > reopenAfterMs) stream = open();
      if (!stream) return void setTimeout(() => done(new Error(`${path} cannot be written`)), 100).unref();
      stream.write(chunk, done);
    },
    writeSync(chunk) {
      try {
        appendFileSync(path, chunk, { mode: 0o600 });
      } catch {
        // The last breath of a process whose disk has failed: there is no one left to tell.
      }
    },
    async close() {
      clearInterval(ageTimer);
      const closing = stream;
      stream = undefined;
      brokenAt = Infinity;
      if (closing) await new Promise<void>((resolve) => closing.once('error', () => resolve()).end(() => resolve()));
    },
  };
}

async function deleteOld(folder: string, fileName: string, maxAgeMs: number): Promise<void> {
  try {
    for (const entry of await readdir(folder)) {
      if (!entry.startsWith(`${fileName}.`) || !/^\d+$/.test(entry.slice(fileName.length + 1))) continue;
      const { mtimeMs } = await stat(join(folder, entry));
      if (Date.now() - mtimeMs > maxAgeMs) await unlink(join(folder, entry));
    }
  } catch (error) {
    // Between listing and deleting a rotation may rename a file. Anything else the next write will meet as well.
    if (codeOf(error) !== 'ENOENT') process.emitWarning(asError(error));
  }
}
