import { openS3Vault } from '#platform/vault/s3-vault.ts';
import { describeOn } from '../services/describe-on.ts';
import { openS3Namespace } from '../services/s3/s3-namespace.ts';
import { vaultContract } from './vault.contract.ts';

describeOn(['s3'], 'on an S3 server', (env) => {
  vaultContract('S3', async () => {
    const namespace = openS3Namespace(env);
    return {
      open: () => openS3Vault(namespace.vault),
      stored: () => namespace.bytes(namespace.vault.bucket),
      close: () => namespace.close(),
    };
  });
});
