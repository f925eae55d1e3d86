import { openTemporaryReadStore } from '../support/sqlite-read-models.ts';
import { readStoreContract } from './read-store.contract.ts';

readStoreContract({ name: 'node:sqlite', open: () => openTemporaryReadStore('here') });
readStoreContract({ name: 'node:sqlite, writing on its thread', open: () => openTemporaryReadStore('thread') });
