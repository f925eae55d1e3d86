import { openSqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';
import { openSqliteSearchIndex } from '#platform/search-index/sqlite-search-index.ts';
import { markedReadStore, markedSearchIndex } from '../support/marked-engines.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { generationMarkContract } from './generation-mark.contract.ts';

for (const where of ['here', 'thread'] as const) {
  generationMarkContract(`the node:sqlite read store, writes: ${where}`, async () => {
    const { path: folder, remove } = await temporaryFolder();
    return { open: async () => markedReadStore(await openSqliteReadStore({ folder, writes: where })), remove };
  });
  generationMarkContract(`the node:sqlite search index, reads: ${where}`, async () => {
    const { path: folder, remove } = await temporaryFolder();
    return { open: async () => markedSearchIndex(await openSqliteSearchIndex({ folder, reads: where })), remove };
  });
}
