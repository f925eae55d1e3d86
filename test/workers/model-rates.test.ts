import { expect } from 'chai';
import { createModelRates } from '../../workers/inference/model-rates.ts';

describe('the rates of models', () => {
  let clock = 0;
  const always = () => true;
  const never = () => false;

  /** Intervals of 100 ms in which so many requests end. */
  function run(rates: ReturnType<typeof createModelRates>, endings: readonly number[], busy: () => boolean) {
    let rate: number | undefined;
    for (const count of endings) {
      for (let n = 0; n < count; n++) rates.ended('m');
      clock += 100;
      rate = rates.measure(busy)('m');
    }
    return rate;
  }

  it('are known from the first request that ended, however long the model took to load', () => {
    const rates = createModelRates(() => clock);
    expect(run(rates, [0, 0, 0], always)).to.equal(undefined);
    expect(run(rates, [20], always)).to.be.closeTo(200, 0.001);
  });

  it('hardly change by a short stall, and fall when the model answers no more', () => {
    const rates = createModelRates(() => clock);
    const steady = Array.from({ length: 100 }, () => 50);
    expect(run(rates, steady, always)).to.be.closeTo(500, 0.001);
    expect(run(rates, [0, 0, 0], always)).to.be.within(450, 500);
    expect(
      run(
        rates,
        Array.from({ length: 300 }, () => 0),
        always,
      ),
    ).to.be.lessThan(3);
  });

  it('do not count time without work, until the model is forgotten', () => {
    const rates = createModelRates(() => clock);
    run(rates, [10, 10], always);
    expect(run(rates, [0, 0, 0], never)).to.be.closeTo(100, 0.001);
    clock += 600_000;
    expect(rates.measure(never)('m')).to.equal(undefined);
  });
});
