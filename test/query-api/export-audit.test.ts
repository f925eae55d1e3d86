import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { AuditEventView } from '#contracts/audit.ts';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { auditFilter } from '../../query-api/audit/audit-filter.ts';
import { exportAudit, type ExportFormat } from '../../query-api/audit/export-audit.ts';
import { type FindEvents, findInStream } from '../../query-api/audit/find-events.ts';
import { viewEventHead } from '../../query-api/audit/view-audit-event.ts';
import { eventually } from '../support/eventually.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';

const STREAM = 'tenant-acme';
const renamed = (name: string) => createEvent('TenantRenamed', { name }, ORIGIN);

/** Beyond every position. */
const LAST = 2n ** 64n;

const view = async (event: RecordedEvent): Promise<AuditEventView> => ({
  ...viewEventHead(event),
  data: event.data as AuditEventView['data'],
  origin: { address: '192.0.2.1', client: '=cmd()' },
});

async function opened(events: number, name = (i: number) => `name ${i}`) {
  const store = createMemoryEventStore(() => 1_000);
  for (let i = 0; i < events; i++) await store.append(STREAM, [renamed(name(i))], 'any');
  const find = findInStream(store, STREAM, auditFilter({ reads: false }, ['acme']));
  return { store, find };
}

const textOf = async (find: FindEvents, format: ExportFormat) =>
  Buffer.concat(await (await exportAudit({ find, view, format, until: LAST })).toArray()).toString();

describe('an export of the audit', () => {
  it('has every event once, the oldest first, and none that came after it began', async () => {
    const { store, find } = await opened(450);
    const stream = await exportAudit({ find, view, format: 'ndjson', until: await store.head() });
    await store.append(STREAM, [renamed('too late')], 'any');
    const lines = Buffer.concat(await stream.toArray())
      .toString()
      .trimEnd()
      .split('\n');
    const revisions = lines.map((line) => (JSON.parse(line) as AuditEventView).revision);
    expect(revisions).to.deep.equal(Array.from({ length: 450 }, (_, i) => i));
    expect(lines.join()).to.not.include('too late');
  });

  it('as CSV has a row for each, in which no spreadsheet finds a formula', async () => {
    const { find } = await opened(2, () => 'a "quoted", name');
    const [head, ...rows] = (await textOf(find, 'csv')).trimEnd().split('\r\n');
    expect(head).to.match(/^position,recordedAt,kind,type,/);
    expect(rows).to.have.length(2);
    expect(rows[0]).to.include('"{""name"":""a \\""quoted\\"", name""}"');
    expect(rows[0]).to.include(",192.0.2.1,'=cmd(),");
  });

  it('of nothing is empty', async () => {
    const { find } = await opened(0);
    expect(await textOf(find, 'ndjson')).to.equal('');
    expect((await textOf(find, 'csv')).split('\r\n')).to.have.length(2);
  });

  it('is read no faster than it is taken, and stops when nobody takes it any more', async () => {
    const { find } = await opened(3_000, (i) => `${i} ${'x'.repeat(1_000)}`);
    let read = 0;
    const counted: FindEvents = (walk) => {
      read++;
      return find(walk);
    };
    const stream = await exportAudit({ find: counted, view, format: 'ndjson', until: LAST });
    stream.read(1);
    await eventually(async () => expect(stream.readableLength).to.be.above(0));
    const taken = read;
    expect(taken).to.be.below(5);
    stream.destroy();
    await once(stream, 'close');
    expect(read).to.equal(taken);
  });

  it('is cut, not ended, where it fails or nobody takes it', async () => {
    const { find } = await opened(450);
    let calls = 0;
    const failing: FindEvents = (walk) => (++calls > 2 ? Promise.reject(new Error('the disk fails')) : find(walk));
    const failed = await exportAudit({ find: failing, view, format: 'ndjson', until: LAST });
    expect(await failed.toArray().catch((error: Error) => error.message)).to.equal('the disk fails');
    const large = await opened(450, (i) => `${i} ${'x'.repeat(1_000)}`);
    const stalled = await exportAudit({ find: large.find, view, format: 'ndjson', stallMs: 20, until: LAST });
    stalled.read(1);
    const [error] = (await once(stalled, 'error')) as [Error];
    expect(error).to.have.property('code', 'client-too-slow');
  });

  it('is not cut while a slow client takes a little at a time, however much of it there is', async () => {
    const { find } = await opened(190, (i) => `${i} ${'x'.repeat(3_000)}`);
    const stream = await exportAudit({ find, view, format: 'ndjson', stallMs: 500, until: LAST });
    const pieces: Buffer[] = [];
    const began = performance.now();
    for await (const piece of stream as AsyncIterable<Buffer>) {
      expect(piece.length).to.be.below(100_000);
      pieces.push(piece);
      // Slower than the whole may be waited for, and faster than nothing at all.
      await delay(100);
    }
    expect(performance.now() - began).to.be.above(500);
    expect(Buffer.concat(pieces).toString().trimEnd().split('\n')).to.have.length(190);
  });

  it('that fails at once is refused, not begun', async () => {
    const failing: FindEvents = () => Promise.reject(new Error('the disk fails'));
    const error = await exportAudit({ find: failing, view, format: 'ndjson', until: LAST }).catch(
      (reason: Error) => reason,
    );
    expect(error).to.have.property('message', 'the disk fails');
  });
});
