import { expect } from 'chai';
import { everyReadModel } from '../../projectors/read-models.ts';
import { eventually } from '../support/eventually.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { describeFlow } from './with-defter.ts';

interface Projection {
  readonly name: string;
  readonly version: number;
  readonly state: string;
  readonly ready: boolean;
  readonly lag: number | null;
  readonly deadLetters: number;
  readonly candidate: { readonly version: number } | null;
  readonly kept: { readonly version: number } | null;
  readonly lastRebuild: {
    readonly from: number;
    readonly to: number;
    readonly outcome: string;
    readonly comparison: { readonly documents: number; readonly different: number; readonly checksum: string } | null;
  } | null;
  readonly statusAgeMs: number | null;
}

describeFlow('operations', (flow) => {
  const projection = async (name: string) => (await flow().api<Projection>('GET', `/v1/projections/${name}`)).body;
  const switched = (name: string, version: number) =>
    eventually(async () => {
      const found = await projection(name);
      expect(found.version, name).to.equal(version);
      expect(found.state).to.equal('live');
    }, 20_000);

  it('lists the read models with their versions, and how far they are', async function () {
    this.timeout(20_000);
    await eventually(async () => {
      const list = await flow().api<{ data: Projection[] }>('GET', '/v1/projections');
      expect(list.status).to.equal(200);
      expect(list.body.data.map(({ name }) => name)).to.deep.equal(flow().readModels);
      for (const one of list.body.data) {
        expect(one).to.include({ version: 1, state: 'live', ready: true, lag: 0, deadLetters: 0, candidate: null });
        expect(one.statusAgeMs).to.be.lessThan(5_000);
      }
    }, 15_000);
  });

  it('answers 404 for what is no read model, and 409 where there is nothing to go back to', async () => {
    const { api, readModels } = flow();
    // One that the program knows may be left out here: the log answers in its place.
    const left = everyReadModel.map(({ name }) => name).filter((name) => !readModels.includes(name));
    for (const name of ['nothing', ...left]) {
      expectProblem(await api('GET', `/v1/projections/${name}`), 404, 'not-found');
      const refused = await api('POST', `/v1/projections/${name}/rebuild`);
      expectProblem(refused, 404, 'not-found');
      const there = readModels.join(', ');
      expect(refused.body['detail']).to.equal(`This installation keeps no read model ${name}: there are ${there}.`);
    }
    expectProblem(await api('POST', '/v1/projections/audit/rollback', { body: {} }), 409, 'no-version-kept');
    expectProblem(
      await api('POST', '/v1/projections/audit/rebuild', { body: { onDifference: 'maybe' } }),
      422,
      'invalid-request',
    );
  });

  it('is for those who run the platform', async () => {
    const { api } = await flow().newTenant('operations tenant');
    expect((await api('GET', '/v1/projections')).status).to.equal(200);
    expectProblem(await api('POST', '/v1/projections/audit/rebuild'), 403, 'forbidden');
    expectProblem(await api('GET', '/v1/dead-letters'), 403, 'forbidden');
    expectProblem(await api('POST', '/v1/dead-letters/WyJhIl0/retry'), 403, 'forbidden');
  });

  it('rebuilds each read model, one under way at a time, and goes back', async function () {
    this.timeout(60_000);
    const { api, readModels } = flow();
    for (const name of readModels) {
      const headers = { 'idempotency-key': `rebuild-${name}` };
      const asked = await api('POST', `/v1/projections/${name}/rebuild`, { headers, body: { reason: 'to see' } });
      expect(asked.status, JSON.stringify(asked.body)).to.equal(202);
      expect(asked.body).to.deep.equal({ id: `${name}.2`, status: 'rebuilding' });
      expect(asked.headers.get('location')).to.equal(`/v1/projections/${name}`);
      const token = asked.headers.get('x-consistency-token') ?? '';
      expect(token).not.to.equal('');
      const again = await api('POST', `/v1/projections/${name}/rebuild`, { headers, body: { reason: 'to see' } });
      expect(again.status).to.equal(202);
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      expect(again.body).to.deep.equal(asked.body);
    }
    for (const name of readModels) {
      await switched(name, 2);
      const { lastRebuild, kept } = await projection(name);
      expect(lastRebuild).to.deep.include({ from: 1, to: 2, outcome: 'switched' });
      expect(lastRebuild?.comparison?.different, name).to.equal(0);
      expect(kept?.version).to.equal(1);
    }
    const back = await api('POST', '/v1/projections/audit/rollback');
    expect(back.body).to.deep.equal({ id: 'audit.1', status: 'rolling-back' });
    await switched('audit', 1);
    expect((await projection('audit')).kept?.version).to.equal(2);
    const audit = await api<{ data: { type: string }[] }>('GET', '/v1/audit?type=ProjectionSwitched');
    expect(audit.body.data).to.have.length(readModels.length + 1);
  });

  it('answers 409 while one is under way', async function () {
    this.timeout(30_000);
    const { api } = flow();
    const answers = await Promise.all([1, 2, 3].map(() => api('POST', '/v1/projections/inferences/rebuild')));
    expect(answers.map(({ status }) => status)).to.have.members([202, 409, 409]);
    expectProblem(
      answers.find(({ status }) => status === 409)!,
      409,
      'rebuild-under-way',
    );
    await switched('inferences', 3);
  });

  it('never shows an older state, nor an error, while read models are rebuilt', async function () {
    this.timeout(120_000);
    const { api } = flow();
    const ended = new AbortController();
    let written = 0;
    const faults: string[] = [];
    const write = async () => {
      while (!ended.signal.aborted) {
        const made = await api('POST', '/v1/tenants', { body: { name: `rebuilt-${written}` } });
        if (made.status !== 201) faults.push(`write: ${made.status}`);
        written++;
        const token = made.headers.get('x-consistency-token') ?? '';
        const read = await api<{ data: { name: string }[] }>('GET', '/v1/tenants?limit=1', {
          headers: { 'x-consistency-token': token },
        });
        const newest = read.body.data?.[0]?.name;
        if (read.status !== 200 || newest !== `rebuilt-${written - 1}`)
          faults.push(`with a token: ${read.status} ${newest} for ${written - 1}`);
        const audited = await api<{ data: { stream: string }[] }>('GET', '/v1/audit?type=TenantCreated&limit=1', {
          headers: { 'x-consistency-token': token },
        });
        if (audited.body.data?.[0]?.stream !== `tenant-${String(made.body['id'])}`)
          faults.push(`audit with a token: ${audited.status}`);
      }
    };
    const read = async () => {
      let highest = -1;
      let latest = 0;
      while (!ended.signal.aborted) {
        const list = await api<{ data: { name: string }[] }>('GET', '/v1/tenants?limit=1');
        if (list.status !== 200) faults.push(`read: ${list.status}`);
        const at = Number(/^rebuilt-(\d+)$/.exec(list.body.data?.[0]?.name ?? '')?.[1] ?? -1);
        if (at < highest) faults.push(`went back from ${highest} to ${at}`);
        highest = Math.max(highest, at);
        const audit = await api<{ data: { position: string }[] }>('GET', '/v1/audit?limit=1');
        if (audit.status !== 200) faults.push(`audit: ${audit.status}`);
        const position = Number(audit.body.data?.[0]?.position);
        if (position < latest) faults.push(`audit went back from ${latest} to ${position}`);
        latest = Math.max(latest, position);
      }
    };
    const loops = [write(), read(), read()];
    const standing = (await projection('standing')).version;
    const audit = (await projection('audit')).version;
    for (let round = 0; round < 2; round++) {
      const before = written;
      await Promise.all(
        ['standing', 'audit'].map(async (name) => {
          const asked = await api('POST', `/v1/projections/${name}/rebuild`);
          expect(asked.status).to.equal(202);
        }),
      );
      await eventually(async () => {
        for (const name of ['standing', 'audit']) expect((await projection(name)).state, name).to.equal('live');
      }, 40_000);
      await eventually(() => expect(written).to.be.greaterThan(before + 5), 30_000);
    }
    ended.abort();
    await Promise.all(loops);
    expect(faults).to.deep.equal([]);
    expect((await projection('standing')).version).to.be.greaterThan(standing);
    expect((await projection('audit')).version).to.be.greaterThan(audit);
    expect((await projection('audit')).lastRebuild?.comparison?.different).to.equal(0);
  });
});
