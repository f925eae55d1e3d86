import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import type { RunningService } from '../service.ts';
import { serviceCache } from '../service-cache.ts';
import { s3Recipe } from './recipe.ts';
import { versitygwBinary } from './versitygw.ts';

export interface OwnS3 extends RunningService {
  /** Where its files are. */
  readonly folder: string;
  /** Whether an object is a file; others keep what was removed in their volumes until they are compacted. */
  readonly keepsFiles: boolean;
}

/** An S3 server of a test's own, to be killed. */
export async function startOwnS3(): Promise<OwnS3> {
  const cache = serviceCache();
  await s3Recipe.install(cache);
  const temporary = await temporaryFolder();
  const folder = join(temporary.path, 's3');
  mkdirSync(folder);
  const service = await s3Recipe.start({ cache, folder });
  return {
    ...service,
    folder,
    keepsFiles: existsSync(versitygwBinary(cache)),
    async stop() {
      await service.stop();
      await temporary.remove();
    },
  };
}
