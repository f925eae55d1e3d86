import { expect } from 'chai';
import { snapshotShapeOf } from '#events/aggregates.ts';
import { createEvent } from '#events/create-event.ts';
import { type Model, models } from '#events/model.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { finalError } from '#platform/errors.ts';
import { createSnapshots } from '#platform/event-store/snapshots.ts';
import type { RunResult } from '#platform/model-host/model-runtime.ts';
import { decideModelHealth } from '../../workers/inference/decide-health.ts';
import { createModelHealth, FAILURES_IN_A_ROW, verdictOf } from '../../workers/inference/model-health.ts';
import { eventually } from '../support/eventually.ts';
import { given, ORIGIN } from '../support/given-decider.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { modelDefinition } from '../support/model-definition.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const STREAM = models.stream('acme', 'm');
const registered = createEvent('ModelRegistered', modelDefinition, ORIGIN);
const unhealthy = createEvent('ModelBecameUnhealthy', { reason: 'timeout' }, ORIGIN);
const recovered = createEvent('ModelRecovered', {}, ORIGIN);
const fine: RunResult = { ok: true, output: '', usage: { inputTokens: 0, outputTokens: 0 } };
const failed = (code: string): RunResult => ({ ok: false, error: { code, message: 'secret', retriable: false } });
class Refused extends finalError('refused') {}
const DOWN = { failure: 'upstream-failed' };

describe('the health of a model', () => {
  const seen = (failure?: string, revision = 0) => ({ failure, revision, origin: ORIGIN });

  it('is told when it changes', () => {
    const { state } = given(models, STREAM, [registered])
      .when((before) => decideModelHealth(seen('timeout'), before))
      .thenEvents({ type: 'ModelBecameUnhealthy', data: { reason: 'timeout' } });
    expect(state).to.have.nested.property('model.unhealthySince', 1_000);
    const after = given(models, STREAM, [registered, unhealthy])
      .when((before) => decideModelHealth(seen(), before))
      .thenEvents({ type: 'ModelRecovered' });
    expect(after.state).not.to.have.nested.property('model.unhealthySince');
  });

  it('is not told of what is known, nor of a registration that is replaced, retired or was never there', () => {
    const retired = createEvent('ModelRetired', {}, ORIGIN);
    for (const [past, failure] of [
      [[registered], undefined],
      [[registered, unhealthy], 'upstream-failed'],
      [[registered, unhealthy, recovered], undefined],
      [[registered, registered], 'timeout'],
      [[registered, retired], 'timeout'],
      [[], 'timeout'],
    ] as const)
      given(models, STREAM, past)
        .when((before) => decideModelHealth(seen(failure), before))
        .thenNothing();
  });

  it('begins anew with another registration, and with its retirement', () => {
    const { state } = given(models, STREAM, [registered, unhealthy, registered]);
    expect(state).not.to.have.nested.property('model.unhealthySince');
    const past = [registered, unhealthy, createEvent('ModelRetired', {}, ORIGIN)];
    expect(given(models, STREAM, past).state).not.to.have.nested.property('model.unhealthySince');
  });
});

describe('what a run says of its model', () => {
  it('is that it works where it answered anything, and else by what failure of its own it does not', () => {
    expect(verdictOf([failed('upstream-failed'), fine], true)).to.equal('well');
    expect(verdictOf([failed('cancelled'), failed('upstream-failed')], true)).to.deep.equal(DOWN);
    expect(verdictOf([failed('timeout')], true)).to.deep.equal({ failure: 'timeout' });
  });

  it('is nothing where the request is to blame, or gave it too little time', () => {
    for (const code of ['input-invalid', 'model-failed', 'upstream-rejected', 'cancelled', 'model-host-full'])
      expect(verdictOf([failed(code)], true), code).to.equal(undefined);
    expect(verdictOf([failed('timeout')], false)).to.equal(undefined);
    expect(verdictOf([], true)).to.equal(undefined);
  });
});

describe('a worker that watches the health of models', () => {
  let store: EventStore;
  let stopping: AbortController;
  const ran: Pick<Model, 'owner' | 'revision' | 'definition'> & { unhealthySince?: number } = {
    owner: 'acme',
    revision: 0,
    definition: modelDefinition,
  };
  const types = async () => (await store.readStream(STREAM)).slice(1).map(({ type }) => type);
  const start = (over: Pick<EventStore, 'append' | 'readStream'> = store) => {
    const log = createQuietLog();
    const snapshots = createSnapshots(createMemoryReadStore(), snapshotShapeOf, log);
    return createModelHealth({ store: over, snapshots, log, signal: stopping.signal });
  };

  beforeEach(async () => {
    stopping = new AbortController();
    store = createMemoryEventStore(() => 1);
    await store.append(STREAM, [registered], 'no_stream');
  });
  afterEach(() => stopping.abort());

  it('tells of so many failures in a row, once, and of the next success', async () => {
    const health = start();
    for (let n = 1; n < FAILURES_IN_A_ROW; n++) health.ran(ran, DOWN);
    health.ran(ran, 'well');
    for (let n = 1; n < FAILURES_IN_A_ROW; n++) health.ran(ran, DOWN);
    health.ran(ran, undefined);
    expect(await types()).to.deep.equal([]);
    for (let n = 0; n < 20; n++) health.ran(ran, DOWN);
    await eventually(async () => expect(await types()).to.deep.equal(['ModelBecameUnhealthy']));
    const [, said] = await store.readStream(STREAM);
    expect(said?.data).to.deep.equal({ reason: 'upstream-failed' });
    expect(said?.metadata).to.deep.include({ tenantId: 'acme', actor: { kind: 'system', id: 'workers:inference' } });
    for (let n = 0; n < 5; n++) health.ran({ ...ran, unhealthySince: 1 }, 'well');
    await eventually(async () => expect(await types()).to.deep.equal(['ModelBecameUnhealthy', 'ModelRecovered']));
  });

  it('knows from the model what another worker told', async () => {
    const [one, another] = [start(), start()];
    for (let n = 0; n < FAILURES_IN_A_ROW; n++) for (const health of [one, another]) health.ran(ran, DOWN);
    await eventually(async () => expect(await types()).to.deep.equal(['ModelBecameUnhealthy']));
    start().ran({ ...ran, unhealthySince: 1 }, 'well');
    await eventually(async () => expect(await types()).to.deep.equal(['ModelBecameUnhealthy', 'ModelRecovered']));
  });

  it('tells the end of each time that it fails, whoever told the beginning', async () => {
    const health = start();
    const BOTH = ['ModelBecameUnhealthy', 'ModelRecovered'];
    for (let n = 0; n < FAILURES_IN_A_ROW; n++) health.ran(ran, DOWN);
    await eventually(async () => expect(await types()).to.have.length(1));
    health.ran({ ...ran, unhealthySince: 1 }, 'well');
    await eventually(async () => expect(await types()).to.deep.equal(BOTH));
    const another = start();
    for (let n = 0; n < FAILURES_IN_A_ROW; n++) another.ran(ran, DOWN);
    await eventually(async () => expect(await types()).to.have.length(3));
    health.ran({ ...ran, unhealthySince: 1 }, 'well');
    health.ran({ ...ran, unhealthySince: 2 }, 'well');
    await eventually(async () => expect(await types()).to.deep.equal([...BOTH, ...BOTH]));
  });

  it('tells that a model still fails where another worker told that it works', async () => {
    const health = start();
    for (let n = 0; n < FAILURES_IN_A_ROW; n++) health.ran(ran, DOWN);
    await eventually(async () => expect(await types()).to.have.length(1));
    start().ran({ ...ran, unhealthySince: 1 }, 'well');
    await eventually(async () => expect(await types()).to.have.length(2));
    for (let n = 0; n < FAILURES_IN_A_ROW; n++) health.ran(ran, DOWN);
    await eventually(async () => expect((await types()).at(-1)).to.equal('ModelBecameUnhealthy'));
  });

  it('tells of a recovery again where that was refused', async () => {
    await store.append(STREAM, [unhealthy], 'any');
    let refusals = 1;
    const health = start({
      readStream: (...asked) => store.readStream(...asked),
      append: (...asked) => (refusals-- > 0 ? Promise.reject(new Refused('no')) : store.append(...asked)),
    });
    await eventually(async () => {
      health.ran({ ...ran, unhealthySince: 1_000 }, 'well');
      expect(await types()).to.deep.equal(['ModelBecameUnhealthy', 'ModelRecovered']);
    });
  });

  it('counts from nothing for another registration', async () => {
    const health = start();
    for (let n = 1; n < FAILURES_IN_A_ROW; n++) health.ran(ran, DOWN);
    await store.append(STREAM, [{ ...registered, id: 'again' }], 0);
    health.ran({ ...ran, revision: 1 }, DOWN);
    for (let n = 1; n < FAILURES_IN_A_ROW; n++) health.ran({ ...ran, revision: 1 }, DOWN);
    await eventually(async () => expect(await types()).to.deep.equal(['ModelRegistered', 'ModelBecameUnhealthy']));
  });

  it('goes on telling while the log is away', async () => {
    let away = 3;
    const health = start({
      readStream: (...asked) => (away-- > 0 ? Promise.reject(new Error('away')) : store.readStream(...asked)),
      append: (...asked) => store.append(...asked),
    });
    for (let n = 0; n < FAILURES_IN_A_ROW; n++) health.ran(ran, DOWN);
    await eventually(async () => expect(await types()).to.deep.equal(['ModelBecameUnhealthy']));
  });
});
