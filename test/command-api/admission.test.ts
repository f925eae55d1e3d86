import { expect } from 'chai';
import { type ModelWorkload, WORKLOAD, type WorkloadMessage } from '#events/live.ts';
import type { LiveMessage } from '#platform/live-channel/live-channel.ts';
import { openAdmission } from '../../command-api/admission.ts';

const TIMEOUT_MS = 120_000;

/** An admission, with a live channel on which the test says what the workers would. Streams are named `<partition>/<n>`. */
function openTestAdmission(mostOutstanding: number) {
  let listener: ((message: LiveMessage) => void) | undefined;
  let clock = 0;
  const live = {
    subscribe(channel: string, given: (message: LiveMessage) => void) {
      expect(channel).to.equal(WORKLOAD);
      listener = given;
      return () => (listener = undefined);
    },
  };
  const admission = openAdmission({
    live,
    mostOutstanding,
    partitionOf: (stream) => Number(stream.split('/')[0]),
    timeoutMs: TIMEOUT_MS,
    now: () => clock,
  });
  const ask = (tenantId: string, modelKey = 'some/model') => {
    try {
      return admission.admit(tenantId, modelKey);
    } catch (error) {
      return error as {
        readonly code: string;
        readonly status: number;
        readonly headers: object;
        readonly message: string;
      };
    }
  };
  return {
    admission,
    ask,
    /** How many of so many are let in. */
    letIn: (count: number, tenantId: string, modelKey?: string) =>
      Array.from({ length: count }, () => ask(tenantId, modelKey)).filter((place) => 'giveUp' in place).length,
    say: (worker: string, models: Record<string, ModelWorkload> = {}, given: WorkloadMessage['given'] = {}) =>
      listener?.({ sequence: 1, value: { worker, models, given } satisfies WorkloadMessage }),
    pass: (milliseconds: number) => void (clock += milliseconds),
  };
}

const models = ['m/1', 'm/2', 'm/3', 'm/4', 'm/5'];

describe('admission', () => {
  it('lets one tenant have the whole queue, in spite of which it keeps one model to a quarter of it', () => {
    const { letIn, ask } = openTestAdmission(40);
    expect(letIn(20, 'loud', 'm/1')).to.equal(10);
    expect(ask('loud', 'm/1')).to.include({ code: 'too-many-requests', status: 429 });
    expect(models.map((model) => letIn(20, 'loud', model))).to.deep.equal([0, 10, 10, 10, 0]);
  });

  it('says when to come again, and how many of its own wait', () => {
    const { letIn, ask } = openTestAdmission(8);
    letIn(2, 'loud');
    const refusal = ask('loud');
    expect(refusal).to.have.property('headers').that.deep.equals({ 'retry-after': '1' });
    expect(refusal)
      .to.have.property('message')
      .that.includes('2 of your inferences are waiting for this model, and 2 may');
  });

  it('lets others in though one fills the queue with four slow models, and holds that one to its share', () => {
    const { letIn, ask } = openTestAdmission(40);
    for (const model of models) letIn(20, 'loud', model);
    expect(letIn(20, 'quiet', 'm/1')).to.equal(5);
    expect(letIn(20, 'quiet', 'platform/quick')).to.equal(10);
    expect(letIn(20, 'third', 'platform/quick')).to.equal(5);
    expect(ask('loud', 'platform/quick')).to.include({ status: 429 });
  });

  it('answers 503 to who is below its share only when all have as much again', () => {
    const { letIn, ask } = openTestAdmission(40);
    const each = (tenant: string) => models.reduce((sum, model) => sum + letIn(20, tenant, model), 0);
    expect(each('one')).to.equal(40);
    expect(each('two')).to.equal(20);
    expect(each('three')).to.equal(13);
    // The fourth has room for seven more, of a share of ten.
    expect(each('four')).to.equal(7);
    expect(ask('four', 'm/5')).to.include({ code: 'overloaded', status: 503 });
    expect(letIn(1, 'five', 'm/5')).to.equal(1);
  });

  it('shares the queue of all replicas, as soon as a worker has told what it has of theirs', () => {
    const [one, two] = [openTestAdmission(40), openTestAdmission(40)];
    for (const { ask } of [one, two])
      for (let n = 0; n < 10; n++) {
        const place = ask('loud', 'm/1');
        if (!('written' in place)) throw place;
        place.written(`3/${n}`, BigInt(n));
      }
    for (const { say } of [one, two]) say('worker', { 'm/1': { waiting: { loud: 10 } } }, { 3: '9' });
    expect([one.letIn(1, 'loud', 'm/1'), two.letIn(1, 'loud', 'm/1')]).to.deep.equal([0, 0]);
    expect([one.letIn(9, 'quiet', 'm/1'), two.letIn(9, 'quiet', 'm/1')]).to.deep.equal([5, 5]);
  });

  it('gives a place back that came to nothing', () => {
    const { letIn, ask } = openTestAdmission(4);
    const place = ask('one');
    expect(letIn(1, 'one')).to.equal(0);
    if ('giveUp' in place) place.giveUp();
    if ('giveUp' in place) place.giveUp();
    expect(letIn(2, 'one')).to.equal(1);
  });

  it('counts what the workers have, all together, by tenant and model', () => {
    const { letIn, say } = openTestAdmission(40);
    say('one', { 'm/1': { waiting: { loud: 5, quiet: 1 } } });
    say('two', { 'm/1': { waiting: { loud: 3 } } });
    expect(letIn(20, 'quiet', 'm/1')).to.equal(4);
    expect(letIn(20, 'loud', 'm/1')).to.equal(0);
    expect(letIn(20, 'loud', 'm/2')).to.equal(10);
  });

  it('lets one model have as much as it works off in 30 seconds, within the queue', () => {
    const { letIn, say } = openTestAdmission(1_000);
    say('one', { quick: { waiting: { loud: 300 }, perSecond: 12 } });
    expect(letIn(200, 'loud', 'quick')).to.equal(60);
    expect(letIn(1, 'quiet', 'another')).to.equal(1);
    say('two', { quick: { waiting: {}, perSecond: 200 } });
    expect(letIn(2_000, 'loud', 'quick')).to.equal(140);
  });

  it('lets a tenant alone have twice as much where it is worked off in 30 seconds, until others wait too', () => {
    const { letIn, ask, say } = openTestAdmission(1_000);
    say('one', { quick: { waiting: {}, perSecond: 100 }, slow: { waiting: {}, perSecond: 1 } });
    expect(letIn(5_000, 'loud', 'slow')).to.equal(250);
    expect(letIn(5_000, 'loud', 'quick')).to.equal(1_750);
    expect(letIn(1, 'quiet', 'slow')).to.equal(1);
    expect(ask('loud', 'another')).to.include({ code: 'too-many-requests', status: 429 });
  });

  it('forgets a worker that is silent', () => {
    const { letIn, say, pass } = openTestAdmission(8);
    say('one', { 'some/model': { waiting: { loud: 2 } } });
    expect(letIn(1, 'loud')).to.equal(0);
    pass(5_001);
    say('two');
    expect(letIn(3, 'loud')).to.equal(2);
  });

  it('counts what it let in until a worker was given it, however late that is', () => {
    const { ask, letIn, say, pass } = openTestAdmission(8);
    const [first, second] = [ask('loud'), ask('loud')];
    if (!('written' in first) || !('written' in second)) throw new Error('refused');
    first.written('3/first', 70n);
    second.written('5/second', 71n);
    pass(60_000);
    say('one', {}, { 3: '69', 5: '12', 7: '99' });
    expect(letIn(1, 'loud')).to.equal(0);
    say('one', { 'some/model': { waiting: { loud: 1 } } }, { 3: '70' });
    expect(letIn(1, 'loud')).to.equal(0);
    say('one', {}, { 3: '72' });
    expect(letIn(1, 'loud')).to.equal(1);
  });

  it('forgets what no worker was given by its deadline', () => {
    const { ask, letIn, say, pass } = openTestAdmission(4);
    const place = ask('loud');
    if ('written' in place) place.written('3/lost', 70n);
    pass(TIMEOUT_MS + 10_001);
    say('one');
    expect(letIn(1, 'loud')).to.equal(1);
  });
});
