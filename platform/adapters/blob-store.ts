import { join } from 'node:path';
import type { BlobStore } from '../blobs/blob-store.ts';
import { openFolderBlobStore } from '../blobs/folder-blob-store.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';
import { s3Settings } from './s3-settings.ts';

/** S3, or else a folder. */
export async function openBlobStore(options: AdapterOptions): Promise<Opened<BlobStore>> {
  const s3 = s3Settings(options, 'blobs');
  if (!s3) return opened(await openFolderBlobStore(join(options.config.dataDir, 'blobs')));
  return opened(await (await import('../blobs/s3-blob-store.ts')).openS3BlobStore(s3));
}
