import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Interrupted } from '#platform/patience/persist.ts';
import { StartError } from '#platform/errors.ts';
import { openEventStoreDbEventStore } from '#platform/event-store/eventstore-event-store.ts';
import { freePort } from '../services/free-port.ts';
import { eventStoreAt } from '../support/event-store-at.ts';
import { startBreakableStandIn } from '../support/eventstore-event-store.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';
import { createSelfSigned } from '../support/self-signed.ts';
import { someEvents } from '../support/some-event.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('opening EventStoreDB', function () {
  this.timeout(60_000);

  it('waits for a server that is absent, says so now and then, and goes on when it comes', async () => {
    const port = await freePort();
    const log = createQuietLog();
    const opening = openEventStoreDbEventStore({
      address: eventStoreAt(`esdb://someone:secret@127.0.0.1:${port}?tls=false`),
      log,
    });
    await eventually(() => expect(log.lines.join()).to.contain('Waiting for EventStoreDB.'));
    const standIn = await startBreakableStandIn({ port });
    const store = await opening;
    expect(await store.head()).to.equal(0n);
    expect(log.lines.length).to.be.lessThan(10);
    expect(log.lines.join()).to.contain(`127.0.0.1:${port}`).and.not.to.contain('secret');
    await store.close();
    await standIn.stop();
  });

  it('stops waiting when told to', async () => {
    const stop = new AbortController();
    const log = createQuietLog();
    const address = eventStoreAt(`esdb://127.0.0.1:${await freePort()}?tls=false`);
    const opening = openEventStoreDbEventStore({ address, log, signal: stop.signal });
    await eventually(() => expect(log.lines).to.have.length.at.least(1));
    stop.abort();
    await refusal(Interrupted, opening);
  });

  it('finds the leader among the servers named, though others are down', async () => {
    const standIn = await startBreakableStandIn();
    const down = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`);
    const up = standIn.url.replace('esdb://', '').replace('?tls=false', '');
    const address = eventStoreAt(`esdb://${down[0]},${up},${down[1]}?tls=false`);
    const store = await openEventStoreDbEventStore({ address, log: createQuietLog() });
    await store.append('test-cluster', someEvents(1), 'no_stream');
    expect(await store.readAll(0n, 10)).to.have.length(1);
    await store.close();
    await standIn.stop();
  });

  it('finds the leader by a name that a cluster answers to', async () => {
    const standIn = await startBreakableStandIn();
    const address = eventStoreAt(standIn.url.replace('esdb://', 'esdb+discover://'));
    const store = await openEventStoreDbEventStore({ address, log: createQuietLog() });
    expect(await store.head()).to.equal(0n);
    await store.close();
    await standIn.stop();
  });

  it('says which certificate cannot be read', async () => {
    const address = eventStoreAt('esdb://user:secret@localhost:1?tlsCAFile=/nowhere/ca.pem');
    const error = await refusal(StartError, openEventStoreDbEventStore({ address, log: createQuietLog() }));
    expect(error.message).to.equal(
      'EVENTSTORE_URL names the tlsCAFile /nowhere/ca.pem, which cannot be read (ENOENT).',
    );
  });

  it('agrees with all who open at once on the generation of the log, and keeps it', async () => {
    const standIn = await startBreakableStandIn();
    const stores = await Promise.all(Array.from({ length: 6 }, () => standIn.open()));
    const generations = new Set(stores.map(({ generation }) => generation));
    expect(generations.size).to.equal(1);
    const [store] = stores;
    expect(await store?.head()).to.equal(0n);
    await standIn.kill9();
    await standIn.restart();
    expect(generations).to.include((await standIn.open()).generation);
    const changed = await store?.changeGeneration();
    expect(generations).not.to.include(changed);
    expect((await standIn.open()).generation).to.equal(changed);
    await standIn.stop();
  });

  it('knows whether the server answers', async () => {
    const standIn = await startBreakableStandIn();
    const store = await standIn.open();
    await store.health();
    await standIn.faults.add({ on: 'read', kind: 'stall', times: 1 });
    expect((await refusal(Error, store.health())).message).to.contain('EventStoreDB at esdb://127.0.0.1:');
    await standIn.kill9();
    await refusal(Error, store.health());
    await standIn.restart();
    await eventually(() => store.health());
    await standIn.stop();
  });

  it('connects again at once, however long the server was away', async () => {
    const standIn = await startBreakableStandIn();
    const store = await standIn.open();
    await standIn.kill9();
    // gRPC alone would wait 1, 1.6, 2.6 … seconds between its tries by now.
    const until = performance.now() + 6_000;
    while (performance.now() < until) await refusal(Error, store.health());
    await standIn.restart();
    const back = performance.now();
    await store.append('test-back', someEvents(1), 'no_stream');
    expect(performance.now() - back).to.be.lessThan(1_500);
    await standIn.stop();
  });

  it('speaks TLS with a name and a password, and is refused clearly without the right ones', async () => {
    const folder = await temporaryFolder();
    const tls = createSelfSigned();
    const authority = join(folder.path, 'ca.pem');
    await writeFile(authority, tls.certificate);
    const standIn = await startBreakableStandIn({ tls, user: 'admin', password: 'p:a@ss w/örd' });
    const urlFor = (credentials: string) =>
      `${standIn.url.replace('esdb://', `esdb://${credentials}`)}&tlsCAFile=${encodeURIComponent(authority)}`;
    const open = (credentials: string) =>
      openEventStoreDbEventStore({ address: eventStoreAt(urlFor(credentials)), log: createQuietLog() });
    for (const wrong of ['admin:wrong@', 'nobody:changeit@', '']) {
      const error = await refusal(StartError, open(wrong));
      expect(error.message).to.contain('does not accept the credentials').and.not.to.contain('changeit');
    }
    const store = await open(`admin:${encodeURIComponent('p:a@ss w/örd')}@`);
    expect((await store.append('test-tls', someEvents(2), 'no_stream')).revision).to.equal(1);
    expect(await store.readAll(0n, 10)).to.have.length(2);
    await store.close();
    await standIn.stop();
    await folder.remove();
  });
});
