// The read store in Redis while its server is killed, frozen, absent, unfit or loses its last second.

import { expect } from 'chai';
import { Interrupted } from '#platform/patience/persist.ts';
import { DocumentRefused } from '#platform/document-refused.ts';
import { StartError } from '#platform/errors.ts';
import { openRedisReadStore, type RedisReadStore, StoreRolledBack } from '#platform/read-store/redis-read-store.ts';
import { RedisUnavailable } from '#platform/redis/redis-errors.ts';
import { describeOn } from '../services/describe-on.ts';
import { freePort } from '../services/free-port.ts';
import { openTcpProxy } from '../services/tcp-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { openOwnRedis } from '../support/own-redis.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';

const namespace = 'faults';
const openStore = (url: string) => openRedisReadStore({ url, namespace, log: createQuietLog() });
const at = (position: bigint | number) => new Map([['t/0', BigInt(position)]]);

describeOn(['redis'], 'read store in Redis, under faults', () => {
  describe('read store in Redis', function () {
    this.timeout(60_000);
    let server: Awaited<ReturnType<typeof openOwnRedis>>;
    const stores: RedisReadStore[] = [];
    const open = async () => {
      const store = await openStore(server.url);
      stores.push(store);
      return store;
    };
    before(async () => (server = await openOwnRedis()));
    after(() => server.close());
    beforeEach(() => server.directly((redis) => redis.flushall()));
    afterEach(async () => {
      await Promise.all(stores.splice(0).map((store) => store.close()));
    });

    it('keeps documents, sums and positions together, and all that was acknowledged, over kill -9', async () => {
      const store = await open();
      let told = -1;
      const stopping = new AbortController();
      const batch = (number: number) =>
        store.apply(
          Array.from({ length: 10 }, (_, i) => ({
            key: `d:${i}`,
            revision: number,
            base: number - 1,
            value: { number, padding: 'x'.repeat((number * 37) % 3_000) },
            members: [{ set: 'set', member: `m${i}`, score: number }],
            counts: [{ counter: 'sum', by: 1 }],
          })),
          { projection: 'crash', positions: at(number) },
        );
      const writing = (async () => {
        for (let number = 0; !stopping.signal.aborted; number++) {
          while (!(await batch(number).then(() => true, isTransient)));
          told = number;
        }
      })();
      for (const batches of [1, 60, 13, 120]) {
        const until = told + batches;
        await eventually(() => expect(told).to.be.at.least(until), 20_000);
        const before = told;
        await server.kill9();
        await server.restart();
        // Another handle sees a state in which everything is at one number, not before what was acknowledged.
        const [documents, sum, position] = await server.directly(async (redis) => {
          const answers = await redis
            .multi()
            .mget(Array.from({ length: 10 }, (_, i) => `{${namespace}}:d:d:${i}`))
            .get(`{${namespace}}:c:sum`)
            .hget(`{${namespace}}:p:crash`, 't/0')
            .exec();
          return (answers ?? []).map(([, answer]) => answer) as [string[], string, string];
        });
        expect(Number(position)).to.be.at.least(before);
        for (const text of documents) expect(Number(text.slice(0, 16))).to.equal(Number(position));
        expect(Number(sum)).to.equal((Number(position) + 1) * 10);
      }
      stopping.abort();
      await writing;
      expect((await store.counters(['sum']))[0]).to.equal((told + 1) * 10);
    });

    it('adds no count twice when two writers race on the same documents while the server is killed', async () => {
      const writers = [await open(), await open()];
      const last = 150;
      const fold = async (store: RedisReadStore, step: number) => {
        for (;;) {
          try {
            const base = (await store.get(['d']))[0]?.revision ?? -1;
            if (base >= last) return;
            const revision = Math.min(last, base + step);
            await store.apply([
              { key: 'd', revision, base, value: revision, counts: [{ counter: 'sum', by: revision - base }] },
            ]);
          } catch (error) {
            isTransient(error);
          }
        }
      };
      const folding = Promise.all(writers.map((store, i) => fold(store, i + 1)));
      for (const reached of [20, 80]) {
        await eventually(async () => {
          const [document] = await writers[0]!.get(['d']);
          expect(document?.revision ?? -1).to.be.at.least(reached);
        }, 20_000);
        await server.kill9();
        await server.restart();
      }
      await folding;
      expect(await writers[1]!.counters(['sum'])).to.deep.equal([last + 1]);
    });

    it('compares positions beyond 2^53, and revisions to the last, exactly', async () => {
      const store = await open();
      const big = 2n ** 62n;
      for (const position of [big, big + 1n, big - 1n]) {
        await store.apply([], { projection: 'p', positions: at(position) });
      }
      expect((await store.positions('p')).get('t/0')).to.equal(big + 1n);
      await store.apply([], { projection: 'p', positions: at(9) });
      await store.apply([], { projection: 'p', positions: at(10) });
      expect((await store.positions('p')).get('t/0')).to.equal(big + 1n);
      const most = Number.MAX_SAFE_INTEGER;
      const write = (revision: number) => store.apply([{ key: 'k', revision, value: revision }]);
      expect((await write(most - 1)).size).to.equal(1);
      expect((await write(most)).size).to.equal(1);
      expect((await write(most - 1)).size).to.equal(0);
      expect(await store.get(['k'])).to.deep.equal([{ value: most, revision: most }]);
    });

    it('refuses a sum beyond 2^53 - 1 before anything is written', async () => {
      const store = await open();
      const count = (key: string, by: number) => ({ key, revision: 0, value: 1, counts: [{ counter: 'c', by }] });
      await store.apply([count('a', Number.MAX_SAFE_INTEGER)]);
      const checkpoint = { projection: 'p', positions: at(1) };
      await refusal(DocumentRefused, store.apply([{ key: 'b', revision: 0, value: 1 }, count('c', 1)], checkpoint));
      expect(await store.get(['b', 'c'])).to.deep.equal([undefined, undefined]);
      expect((await store.positions('p')).size).to.equal(0);
      expect((await store.apply([count('d', -1)])).size).to.equal(1);
      expect(await store.counters(['c'])).to.deep.equal([Number.MAX_SAFE_INTEGER - 1]);
    });

    it('does not go on from positions that the server has lost, until they are read again', async () => {
      const store = await open();
      const key = `{${namespace}}:p:p`;
      const write = (revision: number) =>
        store.apply([{ key: 'k', revision, value: revision }], { projection: 'p', positions: at(revision) });
      await write(5);
      await server.directly((redis) => redis.hset(key, 't/0', '4'.padStart(20, '0')));
      await refusal(StoreRolledBack, write(6));
      expect(await store.get(['k'])).to.deep.equal([{ value: 5, revision: 5 }]);
      await server.directly((redis) => redis.del(key));
      await refusal(StoreRolledBack, write(6));
      expect((await store.positions('p')).size).to.equal(0);
      await write(6);
      expect(await store.positions('p')).to.deep.equal(at(6));
    });

    it('takes no document either that was folded from what the server has lost, though no position moves', async () => {
      const store = await open();
      const projection = 'p';
      const document = (revision: number) => ({ key: 'd', revision, value: { revision } });
      await store.apply([document(0)], { projection, positions: new Map([['t/0', 5n]]) });
      await store.apply([document(1)], { projection, positions: new Map() });
      await server.directly((redis) => redis.flushall());
      await refusal(StoreRolledBack, store.apply([document(2)], { projection, positions: new Map() }));
      expect(await store.get(['d'])).to.deep.equal([undefined]);
      await store.positions(projection);
      await store.apply([document(2)], { projection, positions: new Map() });
      expect(await store.get(['d'])).to.have.nested.property('[0].revision', 2);
    });

    it('waits out a server that stands still, and writes once', async () => {
      const store = await open();
      await server.directly((redis) => redis.client('PAUSE', 3_500, 'ALL'));
      const advanced = store.apply([{ key: 'k', revision: 0, value: 1, counts: [{ counter: 'c', by: 1 }] }]);
      await advanced;
      expect(await store.counters(['c'])).to.deep.equal([1]);
    });

    it('notices a connection that was cut without a word, and takes another', async () => {
      const proxy = await openTcpProxy(Number(new URL(server.url).port));
      const store = await openStore(`redis://127.0.0.1:${proxy.port}`);
      stores.push(store);
      await store.put('k', 1);
      proxy.stall();
      await refusal(RedisUnavailable, store.get(['k']));
      proxy.heal();
      proxy.cut();
      expect(await store.get(['k'])).to.deep.equal([{ value: 1, revision: -1 }]);
      proxy.refuse();
      await refusal(RedisUnavailable, store.get(['k']));
      proxy.heal();
      await store.put('k', 2);
      await store.close();
      await proxy.close();
    });

    it('says that a server is away, and works again when it is back', async () => {
      const store = await open();
      await store.put('k', 1);
      await store.health();
      await server.kill9();
      const [read, write] = await Promise.all([
        refusal(RedisUnavailable, store.get(['k'])),
        refusal(RedisUnavailable, store.put('k', 2)),
      ]);
      expect([read.retriable, write.retriable]).to.deep.equal([true, true]);
      expect((await refusal(Error, store.health())).message).to.match(/^Redis at 127\.0\.0\.1:\d+ does not answer/);
      const waiting = store.put('k', 3);
      await server.restart();
      await waiting;
      expect(await store.get(['k'])).to.deep.equal([{ value: 3, revision: -1 }]);
      await store.health();
    });

    it('forgets its scripts with the server, and sends them again', async () => {
      const store = await open();
      await store.apply([{ key: 'k', revision: 0, value: 1 }]);
      await server.directly((redis) => redis.script('FLUSH'));
      expect((await store.apply([{ key: 'k', revision: 1, value: 2 }])).size).to.equal(1);
    });

    it('goes on with a scan from the beginning after a restart, so that nothing is left out', async () => {
      const store = await open();
      const keys = Array.from({ length: 3_000 }, (_, n) => `s:${n}`);
      await store.apply(keys.map((key) => ({ key, revision: 0, value: 1 })));
      const found = new Set<string>();
      let { documents, cursor } = await store.scan('s:', { limit: 500 });
      for (const { key } of documents) found.add(key);
      await server.kill9();
      await server.restart();
      while (cursor !== undefined) {
        ({ documents, cursor } = await store.scan('s:', { limit: 500, cursor }));
        for (const { key } of documents) found.add(key);
      }
      expect(found.size).to.equal(keys.length);
    });

    it('closes twice, and refuses work from then on', async () => {
      const store = await openStore(server.url);
      await store.close();
      await store.close();
      await refusal(Error, store.get(['a']));
    });
  });

  describe('read store in Redis: at the start', function () {
    this.timeout(30_000);
    const tells = async (
      options: Parameters<typeof openOwnRedis>[0],
      said: RegExp,
      urlOf: (url: string) => string = (url) => url,
    ) => {
      const server = await openOwnRedis(options);
      try {
        const error = await refusal(StartError, openStore(urlOf(server.url)));
        expect(error.message).to.match(said);
        expect(error.message).to.not.include('secret');
      } finally {
        await server.close();
      }
    };
    const wrong = (url: string) => url.replace('secret', 'secret-wrong');

    it('refuses a wrong password', () => tells({ password: 'secret' }, /refuses the credentials/, wrong));
    it('refuses to go without a password where one is needed', () =>
      tells({ password: 'secret' }, /refuses the credentials/, (url) => url.replace(':secret@', '')));
    it('refuses a server without an append-only file', () =>
      tells({ settings: ['--appendonly', 'no'] }, /no append-only file.*set appendonly yes/));
    it('refuses a server that may evict', () =>
      tells({ settings: ['--maxmemory-policy', 'allkeys-lru'] }, /maxmemory-policy allkeys-lru.*set noeviction/));
    it('refuses a database that there is not', () => tells({}, /no such database/, (url) => `${url}/99`));

    it('waits for a server that is absent, saying so, until it comes', async () => {
      const server = await openOwnRedis();
      try {
        await server.kill9();
        const log = createQuietLog();
        const opening = openRedisReadStore({ url: server.url, namespace, log });
        await eventually(() => expect(log.lines.join('\n')).to.match(/waiting for Redis/));
        await server.restart();
        const store = await opening;
        await store.health();
        await store.close();
      } finally {
        await server.close();
      }
    });

    it('waits no longer than it is told to', async () => {
      const url = `redis://127.0.0.1:${await freePort()}`;
      const stop = new AbortController();
      const opening = openRedisReadStore({ url, namespace, log: createQuietLog(), signal: stop.signal });
      setTimeout(() => stop.abort(), 50);
      await refusal(Interrupted, opening);
      await refusal(Interrupted, openRedisReadStore({ url, namespace, log: createQuietLog(), signal: stop.signal }));
    });
  });
});

/** For what is tried again; what is not transient fails the test. */
function isTransient(error: unknown): false {
  expect(error).to.be.instanceOf(RedisUnavailable);
  return false;
}
