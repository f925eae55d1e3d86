import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { letterLanguage } from '#events/parked-letter.ts';
import { projections } from '#events/projection.ts';
import type { DeadLetter } from '#platform/bus/dead-letter-rows.ts';
import { type LetterReports, startLetterReports } from '#platform/bus/letter-reports.ts';
import { type EventStore, WrongExpectedRevision } from '#platform/event-store/event-store.ts';
import { newId } from '#platform/new-id.ts';
import { eventually } from '../support/eventually.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const letter = (fields: Partial<DeadLetter> = {}): DeadLetter => ({
  group: 'audit.2',
  stream: 'model-acme-m',
  revision: 3,
  eventId: 'e',
  error: 'it is too large',
  attempts: 3,
  failedAt: 1,
  request: -1,
  ...fields,
});

describe('what the log is told of dead letters', () => {
  let store: EventStore;
  const open: LetterReports[] = [];
  beforeEach(() => {
    store = createMemoryEventStore(() => 1);
  });
  afterEach(async () => {
    for (let last = open.pop(); last; last = open.pop()) await last.stop();
  });

  const start = (over: Pick<EventStore, 'append' | 'readStream'> = store) => {
    const reports = startLetterReports({ store: over, language: letterLanguage('test', newId), log: createQuietLog() });
    open.push(reports);
    return reports;
  };
  const events = (name = 'audit'): Promise<RecordedEvent[]> => store.readStream(projections.stream(name));
  const told = async (name?: string) => (await events(name)).filter(({ type }) => type === 'DeadLetterParked');
  const ask = (data: { stream: string; revision: number }) =>
    store.append(
      projections.stream('audit'),
      [createEvent('DeadLetterRetried', { ...data, reason: null }, { ...ORIGIN, eventId: newId() })],
      'any',
    );
  /** Comes after whatever was told before it. */
  const settled = async (reports: LetterReports, name = 'mark') => {
    reports.tell(letter({ group: name, revision: 0 }));
    await eventually(async () => expect(await told(name)).to.have.length(1));
  };

  it('is which event failed, of which version, and why, once however often it is told', async () => {
    const reports = start();
    reports.tell(letter());
    reports.tell(letter());
    reports.tell(letter({ error: `x${'y'.repeat(5_000)}`, stream: 'model-acme-n' }));
    await settled(reports);
    const after = start();
    after.tell(letter());
    await settled(after, 'mark-again');
    const said = await told();
    expect(said.map(({ data }) => data)).to.deep.equal([
      { version: 2, stream: 'model-acme-m', revision: 3, error: 'it is too large' },
      { version: 2, stream: 'model-acme-n', revision: 3, error: `x${'y'.repeat(299)}` },
    ]);
    expect(said.map(({ metadata: { tenantId, actor } }) => [tenantId, actor.id])).to.deep.equal([
      ['platform', 'test'],
      ['platform', 'test'],
    ]);
    expect((await told('mark'))[0]?.data).to.have.property('version', null);
  });

  it('is told again when it was taken up and parked again, and not while it waits to be taken up', async () => {
    const reports = start();
    reports.tell(letter());
    await settled(reports);
    const { revision: request } = await ask({ stream: 'model-acme-m', revision: 3 });
    const after = start();
    after.tell(letter());
    await settled(after, 'waits');
    expect(await told()).to.have.length(1);
    after.tell(letter({ request }));
    await settled(after, 'parked-again');
    expect(await told()).to.have.length(2);
  });

  it('is told once by many who find the same letters, though each comes between the others', async () => {
    const letters = Array.from({ length: 150 }, (_, n) => letter({ stream: `model-acme-${n}` }));
    const all = [start(), start(), start()];
    for (const reports of all) for (const one of letters) reports.tell(one);
    await Promise.all(all.map((reports, n) => settled(reports, `mark-${n}`)));
    const streams = (await told()).map(({ data }) => (data as DeadLetter).stream);
    expect(streams).to.have.length(150);
    expect(new Set(streams).size).to.equal(150);
  });

  it('is told when the log can be written again, though an append came through whose answer was lost', async () => {
    let failures = 0;
    const reports = start({
      readStream: (...given) => store.readStream(...given),
      async append(...given) {
        if (failures++ === 0) throw new Error('away');
        const appended = await store.append(...given);
        if (failures === 2) throw new Error('the answer is lost');
        return appended;
      },
    });
    reports.tell(letter());
    await eventually(async () => expect(await told()).to.have.length(1));
    await settled(reports);
    expect(await told()).to.have.length(1);
  });

  it('waits for nobody when it is stopped', async () => {
    const reports = start({
      readStream: () => Promise.reject(new Error('away')),
      append: () => Promise.reject(new WrongExpectedRevision('s', 'any', 0)),
    });
    reports.tell(letter());
    await reports.stop();
    expect(await events()).to.deep.equal([]);
  });
});
