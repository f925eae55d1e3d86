// Read models are rebuilt, and dead letters taken up, whatever kills the server in between.

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { NotificationView } from '#contracts/notifications.ts';
import { tenants } from '#events/tenant.ts';
import { appendBeside, manyTenants, tenantCreated } from '../support/append-beside.ts';
import { type Api, createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { type RunningDefter, startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Projection {
  readonly version: number;
  readonly state: string;
  readonly ready: boolean;
  readonly candidate: { readonly progress: number; readonly phase: string } | null;
  readonly lastRebuild: { readonly comparison: { readonly documents: number; readonly different: number } } | null;
}

interface Letter {
  readonly id: string;
  readonly group: string;
  readonly version: number;
  readonly stream: string;
  readonly revision: number;
  readonly error: string;
  readonly attempts: number;
  readonly requested: string | null;
  readonly event: { readonly type: string; readonly tenantId: string } | null;
}

const KEY = randomBytes(24).toString('hex');
const MANY = 40_000;

describe('operations, whatever is killed', function () {
  this.timeout(240_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let defter: RunningDefter | undefined;
  let api: Api;

  const start = async () => {
    defter = await startDefter(folder.path, { API_KEY: KEY, CHECK_ANSWERS: 'on' });
    api = createApi(defter.url, KEY);
  };
  const projection = async (name: string) => (await api<Projection>('GET', `/v1/projections/${name}`)).body;

  beforeEach(async () => {
    folder = await temporaryFolder();
    await start();
  });
  afterEach(async () => {
    await defter?.stop();
    await folder.remove();
  });

  it('goes on building where it was after kill -9, and switches to the same read model', async () => {
    await appendBeside(folder.path, manyTenants(MANY));
    await eventually(async () => expect((await projection('audit')).ready).to.equal(true), 60_000);
    const names = ['audit', 'standing'];
    for (const name of names) {
      const asked = await api('POST', `/v1/projections/${name}/rebuild`, { body: { onDifference: 'keep' } });
      expect(asked.status).to.equal(202);
    }
    let kills = 0;
    for (const wanted of [0, 0.3, 0.6]) {
      const isDone = ({ version }: Projection) => version === 2;
      await eventually(async () => {
        const audit = await projection('audit');
        expect(isDone(audit) || (audit.candidate?.progress ?? -1) >= wanted).to.equal(true);
      }, 60_000);
      if (isDone(await projection('audit'))) break;
      await defter?.kill9();
      kills++;
      await start();
    }
    expect(kills).to.be.greaterThan(0);
    for (const name of names) {
      await eventually(async () => expect(await projection(name)).to.include({ version: 2, state: 'live' }), 90_000);
      const { lastRebuild } = await projection(name);
      expect(lastRebuild?.comparison.different, name).to.equal(0);
      expect(lastRebuild?.comparison.documents, name).to.be.greaterThan(MANY);
    }
    // And once more right after the switch.
    await defter?.kill9();
    await start();
    expect((await projection('audit')).version).to.equal(2);
    const last = await api<{ data: { stream: string }[] }>('GET', `/v1/audit?stream=tenant-made-${MANY - 1}`);
    expect(last.body.data).to.have.length(1);
  });

  it('lists, shows, retries and discards dead letters, also when it is killed right after it said so', async () => {
    const stream = tenants.stream('poisoned');
    // The audit's index takes no keyword of this length.
    const poison = tenantCreated('poisoned', 'x'.repeat(600));
    await appendBeside(folder.path, [[stream, [poison, tenantCreated('poisoned')]]]);
    const list = async (query = '') => {
      const answer = await api<{ data: Letter[] }>('GET', `/v1/dead-letters${query}`);
      expect(answer.status).to.equal(200);
      return answer.body.data;
    };
    await eventually(async () => expect(await list()).to.have.length(1), 20_000);
    // Between the letter's row and its event, or just after.
    await defter?.kill9();
    await start();
    const [letter] = await list('?group=audit');
    expect(letter).to.include({ group: 'audit', version: 1, stream, revision: 0, requested: null });
    expect(letter?.error).to.contain('actor');
    expect(await list('?group=standing')).to.deep.equal([]);
    const shown = await api<Letter>('GET', `/v1/dead-letters/${letter?.id}`);
    expect(shown.body.event).to.include({ type: 'TenantCreated', tenantId: 'poisoned' });
    expect(JSON.stringify(shown.body.event)).not.to.contain('"name"');
    expectProblem(await api('GET', '/v1/dead-letters/nothing'), 404, 'not-found');
    expectProblem(await api('POST', '/v1/dead-letters/nothing/retry'), 404, 'not-found');

    const unresolved = async () => {
      const { body } = await api<{ data: NotificationView[] }>('GET', '/v1/notifications');
      return body.data.filter(({ resolvedAt }) => resolvedAt === null).map(({ id, data }) => ({ id, data }));
    };
    await eventually(async () => expect(await unresolved()).to.have.length(1), 20_000);
    const [first] = await unresolved();

    const retried = await api('POST', `/v1/dead-letters/${letter?.id}/retry`, { body: { reason: 'to see' } });
    expect(retried.status, JSON.stringify(retried.body)).to.equal(202);
    expect(retried.body).to.deep.equal({ id: letter?.id, status: 'retrying' });
    expect((await api('GET', retried.headers.get('location') ?? '')).status).to.equal(200);
    // It fails again: the letter stands, and nothing is asked of it any more.
    await eventually(async () => expect((await list())[0]?.requested).to.equal(null), 20_000);
    expect(await list()).to.have.length(1);
    await eventually(async () => {
      const now = await unresolved();
      expect(now).to.have.length(1);
      expect(now[0]?.id).not.to.equal(first?.id);
    }, 20_000);

    const headers = { 'idempotency-key': 'discard it' };
    const discarded = await api('POST', `/v1/dead-letters/${letter?.id}/discard`, { headers });
    expect(discarded.status).to.equal(202);
    expect(discarded.headers.get('x-consistency-token')).to.be.a('string');
    await defter?.kill9();
    await start();
    await eventually(async () => expect(await list()).to.deep.equal([]), 20_000);
    const gone = await api<Letter>('GET', discarded.headers.get('location') ?? '');
    expect(gone.status).to.equal(200);
    expect(gone.body).to.include({ id: letter?.id, status: 'discarded', stream, revision: 0, error: null });
    const again = await api('POST', `/v1/dead-letters/${letter?.id}/discard`, { headers });
    expect(again.status).to.equal(202);
    expect(again.headers.get('idempotent-replayed')).to.equal('true');
    const revisionsBy = async (query: string) => {
      const audit = await api<{ data: { revision: number }[] }>('GET', `/v1/audit?${query}`);
      return audit.body.data.map(({ revision }) => revision);
    };
    expect(await revisionsBy('tenant=poisoned')).to.deep.equal([1]);
    // The log itself has what was given up, too.
    expect(await revisionsBy(`stream=${stream}`)).to.deep.equal([1, 0]);
    const asked = await api<{ data: { type: string; actor: { kind: string } }[] }>(
      'GET',
      '/v1/audit?stream=projection-audit',
    );
    const [parked, retried_] = ['DeadLetterParked', 'DeadLetterRetried'];
    expect(asked.body.data.map(({ type }) => type)).to.deep.equal(['DeadLetterDiscarded', parked, retried_, parked]);
    expect(asked.body.data.map(({ actor }) => actor.kind)).to.deep.equal(['api-key', 'system', 'api-key', 'system']);
    const told = await api<{ data: NotificationView[] }>('GET', '/v1/notifications');
    const data = { deadLetterId: letter?.id, version: 1, stream, revision: 0 };
    expect(told.body.data).to.have.length(2);
    for (const one of told.body.data) {
      expect(one).to.deep.include({ kind: 'dead-letter', subject: 'audit', data });
      expect(one.resolvedAt).to.be.a('string');
    }

    // What was given up stays out of a version that is built anew.
    await api('POST', '/v1/projections/audit/rebuild');
    await eventually(async () => expect(await projection('audit')).to.include({ version: 2, state: 'live' }), 20_000);
    expect(await list()).to.deep.equal([]);
    expect((await projection('audit')).lastRebuild?.comparison.different).to.equal(0);
  });
});
