// The live channel and the response cache in Redis while their server is killed and comes back.

import { expect } from 'chai';
import { openRedisLiveChannel, type RedisLiveChannel } from '#platform/live-channel/redis-live-channel.ts';
import type { LiveMessage } from '#platform/live-channel/live-channel.ts';
import { openRedisResponseCache } from '#platform/response-cache/redis-response-cache.ts';
import { describeOn } from '../services/describe-on.ts';
import { eventually } from '../support/eventually.ts';
import { openOwnRedis } from '../support/own-redis.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';

const namespace = 'faults';

describeOn(['redis'], 'live channel and response cache in Redis, under faults', () => {
  describe('live channel and response cache in Redis', function () {
    this.timeout(30_000);
    let server: Awaited<ReturnType<typeof openOwnRedis>>;
    const open: { close(): Promise<void> }[] = [];
    const openChannel = async (): Promise<RedisLiveChannel> => {
      const channel = await openRedisLiveChannel({ url: server.url, namespace, log: createQuietLog() });
      open.push(channel);
      return channel;
    };
    before(async () => (server = await openOwnRedis()));
    after(() => server.close());
    beforeEach(() => server.directly((redis) => redis.flushall()));
    afterEach(async () => {
      await Promise.all(open.splice(0).map((one) => one.close()));
    });

    it('subscribes to all channels again after a restart, says then what waited, and numbers never go back', async () => {
      const [speaker, reader] = [await openChannel(), await openChannel()];
      const heard: LiveMessage[] = [];
      const others: unknown[] = [];
      reader.subscribe('run', (message) => heard.push(message));
      for (let n = 0; n < 50; n++) reader.subscribe(`other/${n}`, ({ value }) => others.push(value));
      await reader.recent('run');
      for (let n = 0; n < 20; n++) speaker.publish('run', n);
      await eventually(() => expect(heard).to.have.length(20));
      const before = heard.at(-1)!.sequence;

      // The channel's last number is gone from the server, as after a crash that cost it its last second.
      await server.directly((redis) => redis.set(`{${namespace}}:lq:run`, '5'));
      await server.kill9();
      await refusal(Error, reader.health());
      // Lost, for nobody can say that it did not arrive, or sent later: never an error, and never a wait.
      for (let n = 20; n < 40; n++) speaker.publish('run', n);
      const late: unknown[] = [];
      reader.subscribe('while away', ({ value }) => late.push(value));
      await server.restart();
      await eventually(async () => {
        await reader.health();
        await speaker.health();
      });
      await reader.recent('run');
      speaker.publish('run', 'after');
      speaker.publish('while away', 'after', { keep: false });
      for (let n = 0; n < 50; n++) speaker.publish(`other/${n}`, n, { keep: false });
      await eventually(() => expect(heard.at(-1)?.value).to.equal('after'));
      await eventually(() => expect(late).to.deep.equal(['after']));
      await eventually(() => expect(others).to.have.length(50));
      expect(heard.at(-1)!.sequence).to.be.above(before);
      const sequences = heard.map(({ sequence }) => sequence);
      expect(sequences).to.deep.equal([...sequences].sort((a, b) => a - b));
      expect((await reader.recent('run', before)).at(-1)?.value).to.equal('after');
    });

    it('neither fails nor grows without bound while the server is away', async () => {
      const speaker = await openChannel();
      await server.kill9();
      const text = 'x'.repeat(1_000);
      const began = performance.now();
      for (let n = 0; n < 100_000; n++) speaker.publish('run', text);
      expect(performance.now() - began).to.be.below(5_000);
      expect(await speaker.recent('run')).to.deep.equal([]);
      await server.restart();
      await eventually(async () => expect((await speaker.recent('run')).length).to.be.above(0), 10_000);
      await eventually(async () => {
        speaker.publish('run', 'new');
        expect((await speaker.recent('run')).at(-1)?.value).to.equal('new');
      });
    });

    it('keeps nothing of a wake-up that nobody hears, and of a heard one no list', async () => {
      const [speaker, reader] = [await openChannel(), await openChannel()];
      const keys = () => server.directly((redis) => redis.keys(`{${namespace}}:l[qk]:*`));
      for (let n = 0; n < 100; n++) speaker.publish(`wake/${n}`, n, { keep: false });
      await speaker.recent('wake/1');
      expect(await keys()).to.deep.equal([]);
      const heard: unknown[] = [];
      reader.subscribe('wake/1', ({ value }) => heard.push(value));
      await reader.recent('wake/1');
      speaker.publish('wake/1', 'up', { keep: false });
      await eventually(() => expect(heard).to.deep.equal(['up']));
      expect(await keys()).to.deep.equal([`{${namespace}}:lq:wake/1`]);
    });

    it('bounds what is kept over all channels', async () => {
      const speaker = await openChannel();
      const text = 'x'.repeat(250_000);
      for (let n = 0; n < 320; n++) {
        speaker.publish(`large/${n}`, text);
        if (n % 20 === 0) await speaker.recent('nothing');
      }
      await speaker.recent('nothing');
      const [lists, total] = await server.directly(
        async (redis) =>
          [await redis.keys(`{${namespace}}:lk:*`), Number(await redis.get(`{${namespace}}:lt`))] as const,
      );
      expect(lists.length).to.be.within(200, 268);
      expect(total).to.be.within(50_000_000, 67_108_864);
      expect((await speaker.recent('large/319')).length).to.equal(1);
      expect(await speaker.recent('large/0')).to.deep.equal([]);
    });

    it('does without a response cache that is away, and says when a clear did not reach it', async () => {
      const log = createQuietLog();
      const cache = await openRedisResponseCache({ url: server.url, namespace, bytes: 1_000_000, trustMs: 20, log });
      open.push(cache);
      await cache.set('a', 'key', 1, 60_000);
      await server.kill9();
      await eventually(async () => expect(await cache.get('a', 'key')).to.equal(undefined));
      const began = performance.now();
      await cache.set('a', 'key', 2, 60_000);
      expect(await cache.get('a', 'key')).to.equal(undefined);
      expect(performance.now() - began).to.be.below(1_500);
      await refusal(Error, cache.clear('a'));
      await server.restart();
      await eventually(() => cache.health());
      await cache.clear('a');
      await cache.set('a', 'key', 3, 60_000);
      expect(await cache.get('a', 'key')).to.equal(3);
    });
  });
});
