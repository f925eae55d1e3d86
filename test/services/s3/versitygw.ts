// versitygw (Apache-2.0): an S3 server over a folder, from the Go module proxy.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { openServerProcess } from '../server-process.ts';
import type { S3Keys } from './s3-keys.ts';

const VERSION = 'v1.8.0';
const run = promisify(execFile);

export const versitygwBinary = (cache: string) => join(cache, `versitygw-${VERSION}`);

/** Builds it, in about 95 s of one core. False when there is no Go on this machine. */
export async function installVersitygw(cache: string): Promise<boolean> {
  const hasGo = await run('go', ['version']).then(
    () => true,
    () => false,
  );
  if (!hasGo) return false;
  const building = mkdtempSync(join(cache, 'building-'));
  try {
    process.stderr.write('building versitygw, once; this takes a minute or two\n');
    const source = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
    await run('nice', ['go', 'install', source], {
      cwd: building,
      env: { ...process.env, GOBIN: building, GOFLAGS: '' },
    });
    renameSync(join(building, 'versitygw'), versitygwBinary(cache));
    return true;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** Objects are the files of `<folder>/data/<bucket>`; versions, of the buckets that keep them, those of `<folder>/versions`. */
export async function startVersitygw(options: S3Keys & { readonly cache: string; readonly folder: string }) {
  const { cache, folder, accessKeyId, secretAccessKey } = options;
  const port = await freePort();
  const [data, versions] = [join(folder, 'data'), join(folder, 'versions')];
  for (const each of [data, versions]) mkdirSync(each, { recursive: true });
  const listen = ['--port', `127.0.0.1:${port}`, '--region', 'us-east-1', '--health', '/health'];
  const process = await openServerProcess({
    command: versitygwBinary(cache),
    args: [...listen, '--keep-alive', '--quiet', 'posix', '--versioning-dir', versions, data],
    env: { ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey },
    cwd: folder,
    logFile: join(folder, 's3.log'),
    answers: async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
  });
  return { process, port };
}
