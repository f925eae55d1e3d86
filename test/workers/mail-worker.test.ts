// The mail worker over a log in memory and a real mail server.

import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { topicOf } from '#events/aggregates.ts';
import { createEvent } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { PASSWORD_RESET_MS } from '#events/mail-link.ts';
import { projections } from '#events/projection.ts';
import { findDeadLetter } from '#platform/bus/dead-letter-rows.ts';
import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import { openSmtpMail } from '#platform/mail/smtp-mail.ts';
import { newId } from '#platform/new-id.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { GROUP } from '../../workers/mail/service.ts';
import { startMailWorker } from '../../workers/mail/start.ts';
import { freePort } from '../services/free-port.ts';
import { eventually } from '../support/eventually.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { plainContent, plainContents } from '../support/given-projection.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { startSmtpServer, type TestSmtpServer } from '../support/smtp-server.ts';

const FROM = { name: 'Defter', address: 'defter@sender.example' };
const ADA = 'user-ada';
const BOB = 'user-bob';

describe('the mail worker', () => {
  let now: number;
  let store: EventStore;
  let readStore: ReadStore;
  let port: number;
  const closing: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    now = Date.UTC(2026, 10, 28);
    store = createMemoryEventStore(() => now);
    readStore = createMemoryReadStore();
    port = await freePort();
  });
  afterEach(async () => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  });

  async function startServer(): Promise<TestSmtpServer> {
    const server = await startSmtpServer({ port });
    closing.push(() => server.stop());
    return server;
  }

  async function startWorker() {
    const log = createQuietLog();
    const live = openLiveHub({ log });
    const checkpoints = checkpointsInReadStore(readStore);
    const bus = openLogBus({ store, topicOf, partitions: 4, checkpoints, log, mode: { seed: 7 } });
    const mail = openSmtpMail({ server: { host: '127.0.0.1', port, tls: 'off' }, from: FROM });
    const seen = { retried: 0, parked: 0 };
    const worker = await startMailWorker({
      ports: {
        store,
        bus,
        readStore,
        live,
        contents: { ...plainContents, seal: () => Promise.reject(new Error()) },
        mail,
      },
      serverKey: createSecretKey(randomBytes(32)),
      publicUrl: 'https://defter.example',
      now: () => now,
      log,
      patience: { firstPauseMs: 5, longestPauseMs: 20 },
      observe: { retried: () => void seen.retried++, parked: () => void seen.parked++ },
    });
    closing.push(async () => {
      await worker.stop();
      await bus.close();
      await mail.close();
      await live.close();
    });
    return { ...worker, seen, log, settled: () => eventually(async () => expect(await worker.lag()).to.equal(0)) };
  }

  const origin = () => ({ ...ORIGIN, eventId: newId() });
  const happened = (stream: string, ...events: readonly NewEvent[]) => store.append(stream, events, 'any');
  const account = (stream: string, email: string) =>
    happened(
      stream,
      createEvent('UserInvited', { email: plainContent(email), name: plainContent(null), language: 'en' }, origin()),
      createEvent('UserRegistered', { name: plainContent('Ada'), language: 'en' }, origin()),
      createEvent('PasswordSet', { hash: plainContent('hash'), mustChange: false, keptSession: null }, origin()),
    );
  async function askForPassword(stream: string) {
    const asked = createEvent('PasswordResetRequested', {}, origin());
    const { revision } = await happened(stream, asked);
    return { ...asked, revision };
  }
  const letterOf = (stream: string) => findDeadLetter(readStore, GROUP, stream);

  it('mails what is offered, once, to whom it is offered', async () => {
    const server = await startServer();
    await account(ADA, 'ada@example.com');
    await account(BOB, 'bob@example.com');
    const worker = await startWorker();
    const asked = [await askForPassword(ADA), await askForPassword(BOB)];
    await worker.settled();
    expect(server.taken.map(({ recipients }) => recipients)).to.have.deep.members([
      ['ada@example.com'],
      ['bob@example.com'],
    ]);
    for (const { id } of asked)
      expect(server.taken.filter(({ raw }) => raw.includes(`Message-ID: <${id}@sender.example>`))).to.have.length(1);
  });

  it('goes on trying while the server is away, and mails when it is back', async () => {
    await account(ADA, 'ada@example.com');
    const worker = await startWorker();
    await askForPassword(ADA);
    await eventually(() => expect(worker.seen.retried).to.be.greaterThan(3));
    const server = await startServer();
    await worker.settled();
    expect(server.taken).to.have.length(1);
    expect(worker.seen.parked).to.equal(0);
    await server.stop();
    await account(BOB, 'bob@example.com');
    await askForPassword(BOB);
    const { retried } = worker.seen;
    await eventually(() => expect(worker.seen.retried).to.be.greaterThan(retried));
    const again = await startServer();
    await worker.settled();
    expect(again.taken.map(({ recipients }) => recipients)).to.deep.equal([['bob@example.com']]);
  });

  it('mails nothing any more that has expired while the server was away', async () => {
    await account(ADA, 'ada@example.com');
    const worker = await startWorker();
    await askForPassword(ADA);
    await eventually(() => expect(worker.seen.retried).to.be.greaterThan(0));
    now += PASSWORD_RESET_MS;
    await worker.settled();
    const server = await startServer();
    expect([server.taken.length, worker.seen.parked]).to.deep.equal([0, 0]);
  });

  it('parks what the server refuses for good, says so without the address, and mails it when it is asked to again', async () => {
    const server = await startServer();
    server.refuse({
      recipient: (address) => (address === 'ada@example.com' ? [550, `no ${address} here`] : undefined),
    });
    await account(ADA, 'ada@example.com');
    await account(BOB, 'bob@example.com');
    const worker = await startWorker();
    const { revision } = await askForPassword(ADA);
    await askForPassword(BOB);
    await worker.settled();
    expect(server.taken.map(({ recipients }) => recipients)).to.deep.equal([['bob@example.com']]);
    const letter = await letterOf(ADA);
    expect(letter).to.include({ revision, attempts: 1 });
    expect(letter?.error).to.include('550');
    expect(worker.log.lines.join('\n') + letter?.error).not.to.include('ada@example.com');
    server.refuse({});
    const retried = { stream: ADA, revision, reason: null };
    await happened(projections.stream(GROUP), createEvent('DeadLetterRetried', retried, origin()));
    await eventually(async () => expect(await letterOf(ADA)).to.equal(undefined));
    expect(server.taken.map(({ recipients }) => recipients)).to.deep.equal([['bob@example.com'], ['ada@example.com']]);
  });

  it('lets nobody read a token in its log', async () => {
    await account(ADA, 'ada@example.com');
    const worker = await startWorker();
    await askForPassword(ADA);
    await eventually(() => expect(worker.seen.retried).to.be.greaterThan(2));
    const server = await startServer();
    await worker.settled();
    const [, token = ''] = /reset#([\w.-]+)/.exec(server.taken[0]!.raw.toString().replaceAll(/=\r?\n/g, '')) ?? [];
    expect(token.split('.')[1]).to.have.length(43);
    expect(worker.log.lines.join('\n')).not.to.include(token.split('.')[1]);
  });
});
