import { join } from 'node:path';
import { openSqliteVault } from '../vault/sqlite-vault.ts';
import type { Vault } from '../vault/vault.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';
import { s3Settings } from './s3-settings.ts';

/** S3, or else SQLite in a file of its own. */
export async function openVault(options: AdapterOptions): Promise<Opened<Vault>> {
  const s3 = s3Settings(options, 'vault');
  if (!s3) return opened(openSqliteVault(join(options.config.dataDir, 'vault.sqlite')));
  return opened(await (await import('../vault/s3-vault.ts')).openS3Vault(s3));
}
