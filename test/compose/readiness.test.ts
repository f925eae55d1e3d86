import { expect } from 'chai';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import { sayReadiness, watchReadiness } from '../../compose/readiness.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';

describe('readiness of services', () => {
  it('is what the service last said, and no more once it is silent or down', async () => {
    const live = openLiveHub({ log: createQuietLog() });
    let clock = 0;
    let running = true;
    let waitsFor: string | null = 'not caught up';
    const watch = watchReadiness(live, 'this process', () => clock);
    const check = watch.checkOf('projectors', () => running);
    expect(check).to.throw(/says nothing/);

    const silence = sayReadiness(live, 'this process', 'projectors', () => waitsFor);
    await eventually(() => expect(check).to.throw(/not caught up/));
    waitsFor = null;
    await eventually(() => check());
    running = false;
    expect(check).to.throw(/being started anew/);
    running = true;
    silence();
    clock = 5_001;
    expect(check).to.throw(/says nothing/);
    watch.close();
    await live.close();
  });
});
