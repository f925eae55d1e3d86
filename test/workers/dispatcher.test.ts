import { expect } from 'chai';
import { createDispatcher } from '../../workers/inference/dispatcher.ts';

interface Work {
  readonly tenantId: string;
  readonly batchKey: string;
  readonly modelKey: string;
  readonly n: number;
}

const work = (n: number, modelKey = 'm', batchKey = 'p'): Work => ({ tenantId: 't', batchKey, modelKey, n });

/** Runs that end when the test says so. */
function heldRuns() {
  const runs: { readonly batch: readonly Work[]; readonly end: () => void }[] = [];
  const run = (batch: readonly Work[]) => new Promise<void>((resolve) => runs.push({ batch, end: resolve }));
  const sizes = () => runs.map(({ batch }) => batch.length);
  return { runs, run, sizes };
}

const turn = async () => {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
};

describe('dispatcher', () => {
  const limits = { maxBatch: 4, maxDelayMs: 10_000, capacity: 8 };

  it('runs at once what comes while the model is idle, as one batch', async () => {
    const { run, sizes } = heldRuns();
    const dispatcher = createDispatcher<Work>({ limitsOf: () => limits, run });
    [1, 2, 3].forEach((n) => dispatcher.submit(work(n)));
    await turn();
    expect(sizes()).to.deep.equal([3]);
  });

  it('gathers a batch while a run goes on, and starts it when full', async () => {
    const { run, sizes } = heldRuns();
    const dispatcher = createDispatcher<Work>({ limitsOf: () => limits, run });
    dispatcher.submit(work(0));
    await turn();
    [1, 2, 3].forEach((n) => dispatcher.submit(work(n)));
    await turn();
    expect(sizes()).to.deep.equal([1]);
    dispatcher.submit(work(4));
    await turn();
    expect(sizes()).to.deep.equal([1, 4]);
  });

  it('starts what waits when the run ends', async () => {
    const { runs, run, sizes } = heldRuns();
    const dispatcher = createDispatcher<Work>({ limitsOf: () => limits, run });
    dispatcher.submit(work(0));
    await turn();
    dispatcher.submit(work(1));
    await turn();
    runs[0]?.end();
    await turn();
    expect(sizes()).to.deep.equal([1, 1]);
  });

  it('does not wait longer than the delay', async () => {
    const { run, sizes } = heldRuns();
    const dispatcher = createDispatcher<Work>({ limitsOf: () => ({ ...limits, maxDelayMs: 5 }), run });
    dispatcher.submit(work(0));
    await turn();
    dispatcher.submit(work(1));
    while (sizes().length < 2) await turn();
    expect(sizes()).to.deep.equal([1, 1]);
  });

  it('never runs more at once than the capacity, and models do not wait for each other', async () => {
    const { run, sizes } = heldRuns();
    const dispatcher = createDispatcher<Work>({ limitsOf: () => ({ ...limits, capacity: 4 }), run });
    for (let n = 0; n < 20; n++) dispatcher.submit(work(n));
    await turn();
    expect(sizes()).to.deep.equal([4]);
    dispatcher.submit(work(99, 'other'));
    await turn();
    expect(sizes()).to.deep.equal([4, 1]);
    expect(dispatcher.outstanding()).to.equal(21);
  });

  it('stop waits for the runs and starts no more', async () => {
    const { runs, run, sizes } = heldRuns();
    const dispatcher = createDispatcher<Work>({ limitsOf: () => limits, run });
    dispatcher.submit(work(0));
    await turn();
    dispatcher.submit(work(1));
    let stopped = false;
    const stop = dispatcher.stop().then(() => (stopped = true));
    await turn();
    expect(stopped).to.equal(false);
    runs[0]?.end();
    await stop;
    expect(sizes()).to.deep.equal([1]);
  });
});
