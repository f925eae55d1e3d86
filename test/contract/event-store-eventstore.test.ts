import { openEventStoreDbEventStore } from '#platform/event-store/eventstore-event-store.ts';
import { describeOn } from '../services/describe-on.ts';
import { eventStoreAt } from '../support/event-store-at.ts';
import { openStandInEventStore } from '../support/eventstore-event-store.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { eventStoreContract } from './event-store.contract.ts';

describe('event store on a stand-in for EventStoreDB', function () {
  this.timeout(60_000);
  eventStoreContract({ name: 'EventStoreDB, stand-in', open: openStandInEventStore, runs: 25 });
});

// The real server, or whatever else stands at the URL; others may use it at the same time.
describeOn(['eventstore'], 'event store on EventStoreDB', (env) => {
  before(function () {
    this.timeout(60_000);
  });
  eventStoreContract({
    name: 'EventStoreDB',
    open: () => openEventStoreDbEventStore({ address: eventStoreAt(env['EVENTSTORE_URL']), log: createQuietLog() }),
    runs: 25,
  });
});
