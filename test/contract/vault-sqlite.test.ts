import { join } from 'node:path';
import { openSqliteVault } from '#platform/vault/sqlite-vault.ts';
import { storedBytes } from '../support/stored-bytes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { vaultContract } from './vault.contract.ts';

vaultContract('SQLite', async () => {
  const folder = await temporaryFolder();
  const open = async () => openSqliteVault(join(folder.path, 'vault.sqlite'));
  return { open, stored: async () => storedBytes(folder.path), close: folder.remove };
});
