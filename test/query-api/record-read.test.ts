import { expect } from 'chai';
import { auditRoutes } from '#contracts/audit.ts';
import type { Content } from '#events/content.ts';
import { accesses } from '#events/access.ts';
import { Problem } from '#platform/http/problem.ts';
import { createReadRecorder, type RecordRead } from '../../query-api/audit/record-read.ts';
import { callerWith } from '../support/call-route.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';
import { createQuietLog, type QuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';

const NOON = Date.parse('2026-08-01T12:00:00Z');

const request = (actor: { readonly kind: 'api-key' | 'user'; readonly id: string }) => ({
  route: auditRoutes.listAudit,
  requestId: 'request-1',
  traceparent: undefined,
  caller: callerWith(['audit:read'], { actor }),
  remoteAddress: '192.0.2.1',
  headers: { 'user-agent': 'curl' },
});

describe('the record of a read of the audit', () => {
  let ports: PeoplePorts;
  let log: QuietLog;
  let record: RecordRead;

  beforeEach(async () => {
    ports = await openPeoplePorts();
    await ports.keyring.createSubject('acme');
    await ports.keyring.createSubject('ada');
    log = createQuietLog();
    record = createReadRecorder({ ...ports, log, now: () => NOON });
  });

  it('is an event of the tenant and the day, with the filter sealed for whoever asked', async () => {
    await record(request({ kind: 'user', id: 'ada' }), { tenant: null, query: { q: 'ada@example.com' } });
    await record(request({ kind: 'api-key', id: 'k1' }), { tenant: 'acme', query: {} });
    const events = await ports.store.readStream('access-acme-2026-08-01');
    expect(events.map(({ type }) => type)).to.deep.equal(['AuditRead', 'AuditRead']);
    expect(JSON.stringify(events, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)))
      .to.not.include('ada@example.com')
      .and.not.include('192.0.2.1');
    const [byPerson, byKey] = events.map(
      ({ data }) => data as { route: string; query: Content; tenant: string | null },
    );
    expect(byPerson).to.include({ route: 'listAudit', tenant: null });
    expect(await ports.contents.open('ada', byPerson!.query)).to.deep.equal({ q: 'ada@example.com' });
    expect(byKey).to.include({ tenant: 'acme' });
    expect(await ports.contents.open('acme', byKey!.query)).to.deep.equal({});
    expect(events[0]?.metadata).to.include({ tenantId: 'acme', $correlationId: 'request-1' });
    expect(events[0]?.metadata.origin?.keyId).to.match(/^ada\//);
    expect(events.reduce(accesses.evolve, accesses.initial)).to.deep.equal({ reads: 2 });
  });

  it('is an event of the tenant that was read, whoever read it', async () => {
    await ports.keyring.createSubject('other');
    await record(request({ kind: 'api-key', id: 'k1' }), { tenant: 'other', query: { q: 'x' } });
    expect(await ports.store.readStream('access-acme-2026-08-01')).to.deep.equal([]);
    const [event] = await ports.store.readStream('access-other-2026-08-01');
    expect(event?.metadata).to.include({ tenantId: 'other' });
    expect((event!.data as { query: Content }).query.keyId).to.match(/^acme\//);
  });

  it('that cannot be written refuses the read, and says so once in the log', async () => {
    ports.before.append = () => {
      throw new Error('the disk is full');
    };
    for (const _ of [1, 2]) {
      const read = record(request({ kind: 'api-key', id: 'k1' }), { tenant: 'acme', query: {} });
      const problem = await refusal(Problem, read);
      expect(problem).to.have.property('code', 'unavailable');
      expect(problem).to.have.nested.property('headers.retry-after', '1');
    }
    expect(log.lines).to.have.length(1);
    expect(log.lines[0]).to.include('the disk is full');
  });
});
