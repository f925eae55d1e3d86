import { expect } from 'chai';
import { problems } from '#contracts/problems.ts';
import { LIST_CHANGES } from '#events/live.ts';
import { Problem } from '#platform/http/problem.ts';
import { openLiveHub, type LiveHub } from '#platform/live-channel/live-hub.ts';
import type { LiveMessage } from '#platform/live-channel/live-channel.ts';
import { type FollowOptions, openListChanges } from '../../query-api/notifications/list-changes.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';

describe('hearing of changed lists', () => {
  let live: LiveHub;
  let stopping: AbortController;
  let subscriptions: number;
  beforeEach(() => {
    live = openLiveHub({ log: createQuietLog() });
    stopping = new AbortController();
    subscriptions = 0;
  });
  afterEach(async () => {
    stopping.abort();
    await live.close();
  });

  const counted = {
    subscribe(channel: string, listener: (message: LiveMessage) => void) {
      subscriptions++;
      const end = live.subscribe(channel, listener);
      return () => {
        subscriptions--;
        end();
      };
    },
  };
  const say = (changes: Record<string, Record<string, number>>) =>
    live.publish(LIST_CHANGES, { changes }, { keep: false });

  /** What a stream has been sent so far. */
  async function follow(changes: ReturnType<typeof openListChanges>, options: Partial<FollowOptions> = {}) {
    const sent: unknown[] = [];
    const asked = { tenant: 'acme', permissions: () => new Set(['models:read']), signal: stopping.signal, ...options };
    const ended = (async () => {
      for await (const events of changes.follow(asked)) sent.push(...events);
    })();
    await eventually(() => expect(sent).to.deep.equal([{ event: 'ready', data: {} }]));
    return {
      sent,
      ended,
      changed: () => sent.slice(1).map((one) => (one as { data: { changes: unknown } }).data.changes),
    };
  }

  it('is of the own tenant, and of what one may read alone', async () => {
    const changes = openListChanges(counted, 0);
    const own = await follow(changes);
    const everywhere = await follow(changes, {
      tenant: undefined,
      permissions: () => new Set(['models:read', 'platform']),
    });
    say({ other: { model: 7 }, acme: { model: 1, inference: 3, unknown: 1, 'notification:keys:read': 1 } });
    say({ acme: { model: 1, 'notification:models:read': 2 }, other: { 'notification:platform': 1 } });
    await eventually(() =>
      expect(own.changed()).to.deep.equal([
        [
          { kind: 'model', count: 2 },
          { kind: 'notification', count: 2 },
        ],
      ]),
    );
    await eventually(() =>
      expect(everywhere.changed()).to.deep.equal([
        [
          { kind: 'model', count: 9 },
          { kind: 'notification', count: 3 },
        ],
      ]),
    );
  });

  it('is one message for all that comes within the time', async () => {
    const changes = openListChanges(counted, 200);
    const { changed } = await follow(changes);
    say({ acme: { model: 1 } });
    await eventually(() => expect(changed()).to.have.length(1));
    const from = performance.now();
    for (let n = 0; n < 1_000; n++) say({ acme: { model: 1 } });
    await eventually(() => expect(changed()).to.have.length(2));
    expect(performance.now() - from).to.be.greaterThan(150);
    expect(changed()[1]).to.deep.equal([{ kind: 'model', count: 1_000 }]);
  });

  it('is one subscription for all, and none where nobody listens', async () => {
    const changes = openListChanges(counted, 0);
    const all = await Promise.all(Array.from({ length: 50 }, () => follow(changes)));
    expect(subscriptions).to.equal(1);
    stopping.abort();
    await Promise.all(all.map(({ ended }) => ended));
    expect(subscriptions).to.equal(0);
  });

  it('holds no more than a number for each list for a reader who does not read', async () => {
    const changes = openListChanges(counted, 0);
    const stream = changes.follow({
      tenant: 'acme',
      permissions: () => new Set(['models:read']),
      signal: stopping.signal,
    });
    await stream.next();
    const other = await follow(changes);
    for (let n = 0; n < 10_000; n++) say({ acme: { model: 1 } });
    say({ acme: { model: 1 } });
    await eventually(() => expect(other.changed()).to.deep.equal([[{ kind: 'model', count: 10_001 }]]));
    const { value } = await stream.next();
    expect(value).to.deep.equal([{ event: 'changed', data: { changes: [{ kind: 'model', count: 10_001 }] } }]);
    await stream.return(undefined);
  });

  it('ends for who has no part there any more, and follows what they hold by then', async () => {
    let held: ReadonlySet<string> | undefined = new Set<string>();
    const changes = openListChanges(counted, 0);
    const { changed, ended } = await follow(changes, { permissions: () => held });
    const refused = await follow(changes, {
      permissions: () => Promise.reject(new Problem(problems.forbidden, { detail: 'suspended' })),
    });
    say({ acme: { model: 1 } });
    await refused.ended;
    held = new Set(['models:read']);
    say({ acme: { model: 2 } });
    await eventually(() => expect(changed()).to.deep.equal([[{ kind: 'model', count: 2 }]]));
    held = undefined;
    say({ acme: { model: 1 } });
    await ended;
    expect(subscriptions).to.equal(0);
  });
});
