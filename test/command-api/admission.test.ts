import { expect } from 'chai';
import { WORKLOAD, type WorkloadMessage } from '#events/live.ts';
import type { LiveMessage } from '#platform/live-channel/live-channel.ts';
import { openAdmission } from '../../command-api/admission.ts';

/** A live channel on which the test says what the workers would. */
function workload() {
  let listener: ((message: LiveMessage) => void) | undefined;
  const live = {
    subscribe(channel: string, given: (message: LiveMessage) => void) {
      expect(channel).to.equal(WORKLOAD);
      listener = given;
      return () => (listener = undefined);
    },
  };
  const say = (value: WorkloadMessage) => listener?.({ sequence: 1, value });
  return { live, say };
}

const admitted = (admit: () => void): boolean => {
  try {
    admit();
    return true;
  } catch (error) {
    expect(error).to.include({ code: 'overloaded', status: 503 });
    expect((error as { headers: object }).headers).to.have.property('retry-after');
    return false;
  }
};

describe('admission', () => {
  it('lets in as many as may be outstanding, and more once the workers say so', () => {
    const { live, say } = workload();
    const admission = openAdmission(live, 8);
    const models = ['a', 'b', 'c', 'd', 'e'];
    const taken = models.flatMap((model) => [1, 2].map(() => admitted(() => admission.admit(model))));
    expect(taken.filter(Boolean)).to.have.length(8);
    say({ worker: 'one', outstanding: 0, models: {} });
    expect(admitted(() => admission.admit('e'))).to.equal(true);
  });

  it('keeps one model to a quarter, and lets the others in', () => {
    const { live, say } = workload();
    const admission = openAdmission(live, 40);
    say({ worker: 'one', outstanding: 9, models: { slow: { waiting: 9, perSecond: 0.2 } } });
    expect(admitted(() => admission.admit('slow'))).to.equal(true);
    expect(admitted(() => admission.admit('slow'))).to.equal(false);
    expect(admitted(() => admission.admit('quick'))).to.equal(true);
  });

  it('lets one model, and all together, have as much as is worked off in 30 seconds, all workers together', () => {
    const { live, say } = workload();
    const admission = openAdmission(live, 1_000);
    const quick = { waiting: 300, perSecond: 12 };
    say({ worker: 'one', outstanding: 300, models: { quick } });
    say({ worker: 'two', outstanding: 300, models: { quick } });
    const taken = Array.from({ length: 121 }, () => admitted(() => admission.admit('quick')));
    expect(taken.filter(Boolean)).to.have.length(120);
    say({ worker: 'one', outstanding: 300, models: { quick } });
    say({ worker: 'two', outstanding: 300, models: { quick: { waiting: 300, perSecond: 38 } } });
    const more = Array.from({ length: 1_000 }, () => admitted(() => admission.admit('quick')));
    expect(more.filter(Boolean)).to.have.length(900);
  });

  it('adds up what several workers say, and forgets one that is silent', () => {
    const { live, say } = workload();
    let clock = 0;
    const admission = openAdmission(live, 8, () => clock);
    say({ worker: 'one', outstanding: 4, models: {} });
    say({ worker: 'two', outstanding: 4, models: {} });
    expect(admitted(() => admission.admit('a'))).to.equal(false);
    clock = 5_001;
    say({ worker: 'two', outstanding: 4, models: {} });
    expect(admitted(() => admission.admit('a'))).to.equal(true);
  });

  it('counts what it let in since the oldest report, whoever reported since', () => {
    const { live, say } = workload();
    let clock = 0;
    const admission = openAdmission(live, 8, () => clock);
    say({ worker: 'one', outstanding: 0, models: {} });
    clock = 1;
    for (const model of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) admission.admit(model);
    clock = 2;
    say({ worker: 'two', outstanding: 0, models: {} });
    expect(admitted(() => admission.admit('i'))).to.equal(false);
    clock = 3;
    say({ worker: 'one', outstanding: 0, models: {} });
    expect(admitted(() => admission.admit('i'))).to.equal(true);
  });
});
