import { openFurtherHandle, openTemporaryEventStore } from '../support/sqlite-event-store.ts';
import { eventStoreContract } from './event-store.contract.ts';

eventStoreContract({ name: 'node:sqlite', open: openTemporaryEventStore });
eventStoreContract({ name: 'node:sqlite, a further handle', open: openFurtherHandle });
