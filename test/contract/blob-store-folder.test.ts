import { openFolderBlobStore } from '#platform/blobs/folder-blob-store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { blobStoreContract } from './blob-store.contract.ts';

blobStoreContract('folder', async () => {
  const folder = await temporaryFolder();
  return { open: () => openFolderBlobStore(`${folder.path}/blobs`), close: folder.remove };
});
