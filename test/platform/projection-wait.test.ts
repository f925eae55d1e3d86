import { expect } from 'chai';
import type { LiveMessage } from '#platform/live-channel/live-channel.ts';
import { waitForPositions, type PositionWait } from '#platform/projection/wait-for-positions.ts';

describe('waiting for a projection', () => {
  let positions: Map<string, bigint>;
  let listeners: Set<(message: LiveMessage) => void>;
  let looks: number;
  beforeEach(() => {
    positions = new Map([['t/0', 5n]]);
    listeners = new Set();
    looks = 0;
  });

  const say = (value: unknown) => listeners.forEach((listener) => listener({ sequence: 1, value }));
  const wait = (wanted: PositionWait['wanted'], options: Partial<PositionWait> = {}) =>
    waitForPositions({
      projection: 'p',
      topics: ['t', 'u'],
      positions: () => Promise.resolve((looks++, positions)),
      live: {
        subscribe(channel, listener) {
          expect(channel).to.equal('projection:p');
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      wanted,
      timeoutMs: 5_000,
      pollMs: 100_000,
      ...options,
    });

  it('does not wait for what was passed, nor for topics that are not consumed', async () => {
    expect(await wait([{ topic: 't', partition: 0, position: 5n }])).to.equal(true);
    expect(await wait([{ topic: 'other', partition: 0, position: 99n }])).to.equal(true);
    expect(await wait([])).to.equal(true);
    expect(looks).to.equal(1);
  });

  it('is woken when all has been passed, and not looking before', async () => {
    const waiting = wait([
      { topic: 't', partition: 0, position: 6n },
      { topic: 'u', partition: 3, position: 7n },
    ]);
    await new Promise((resolve) => setImmediate(resolve));
    positions.set('t/0', 8n);
    say({ positions: { 't/0': '8' } });
    say('something else');
    say({ positions: { 'u/3': 7, 'u/4': 'x' } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(looks).to.equal(1);
    positions.set('u/3', 7n);
    say({ positions: { 'u/3': '7' } });
    expect(await waiting).to.equal(true);
    expect(looks).to.equal(2);
    expect(listeners.size).to.equal(0);
  });

  it('looks now and then when no wake-up comes', async () => {
    const waiting = wait([{ topic: 't', partition: 0, position: 6n }], { pollMs: 5 });
    positions.set('t/0', 6n);
    expect(await waiting).to.equal(true);
  });

  it('gives up in time, and leaves nothing behind', async () => {
    expect(await wait([{ topic: 't', partition: 1, position: 1n }], { timeoutMs: 10 })).to.equal(false);
    expect(listeners.size).to.equal(0);
  });

  it('takes a last look before it gives up', async () => {
    const waiting = wait([{ topic: 't', partition: 0, position: 6n }], { timeoutMs: 10 });
    positions.set('t/0', 6n);
    expect(await waiting).to.equal(true);
  });

  it('says when positions cannot be read', async () => {
    const failing = wait([{ topic: 't', partition: 0, position: 6n }], {
      positions: () => Promise.reject(new Error('away')),
    });
    expect(await failing.catch((error: Error) => error.message)).to.equal('away');
    expect(listeners.size).to.equal(0);
  });
});
