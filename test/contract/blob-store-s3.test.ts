import { openS3BlobStore } from '#platform/blobs/s3-blob-store.ts';
import { describeOn } from '../services/describe-on.ts';
import { openS3Namespace } from '../services/s3/s3-namespace.ts';
import { blobStoreContract } from './blob-store.contract.ts';

describeOn(['s3'], 'on an S3 server', (env) => {
  blobStoreContract('S3', async () => {
    const namespace = openS3Namespace(env);
    return { open: () => openS3BlobStore(namespace.blobs), close: () => namespace.close() };
  });
});
