import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';
import { searchIndexContract } from './search-index.contract.ts';

searchIndexContract({ name: 'node:sqlite', open: () => openTemporarySearchIndex('here') });
searchIndexContract({ name: 'node:sqlite, searching on its thread', open: () => openTemporarySearchIndex('thread') });
