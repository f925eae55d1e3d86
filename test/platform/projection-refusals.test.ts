// What real servers refuse, and what a projection makes of it: a document that the store will never take is parked; a
// store that takes nothing for its own reasons is waited for, or stops the projection, and costs no letter.

import { expect } from 'chai';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { openRedisReadStore, type RedisReadStore } from '#platform/read-store/redis-read-store.ts';
import {
  type ElasticsearchSearchIndex,
  openElasticsearchSearchIndex,
} from '#platform/search-index/elasticsearch-search-index.ts';
import { describeOn } from '../services/describe-on.ts';
import { freePort } from '../services/free-port.ts';
import { openTestSearchIndex } from '../support/elasticsearch-index.ts';
import { type ElasticsearchProxy, openElasticsearchProxy } from '../support/elasticsearch-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { numberedEvent } from '../support/numbered-events.ts';
import { openOwnRedis } from '../support/own-redis.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { runProjection } from '../support/run-projection.ts';
import { stories, sums } from '../support/test-projections.ts';

type Running = Awaited<ReturnType<typeof runProjection>>;

let store: EventStore;
const append = (stream: string, number: number, type?: string) =>
  store.append(stream, [numberedEvent(number, type)], 'any');
const parked = (running: Running) =>
  running
    .deadLetters()
    .map(({ stream }) => stream)
    .sort();

/** Until the projection has found that its store fails. */
async function inTrouble(running: Running): Promise<void> {
  await eventually(() => {
    expect(running.log.lines.join()).to.include('a store that a projection needs fails');
    expect(running.ready()).to.equal(false);
  }, 60_000);
}

describeOn(['redis'], 'a projection and what Redis refuses', function () {
  let server: Awaited<ReturnType<typeof openOwnRedis>>;
  let readStore: RedisReadStore;
  before(async () => (server = await openOwnRedis()));
  after(() => server.close());
  beforeEach(async () => {
    store = createMemoryEventStore(() => 1);
    await server.directly((redis) => redis.flushall());
    readStore = await openRedisReadStore({ url: server.url, namespace: 'refusals', log: createQuietLog() });
  });
  afterEach(() => readStore.close());

  it('parks each document whose counter would pass 2^53, and applies what comes after them', async () => {
    const most = Number.MAX_SAFE_INTEGER;
    await readStore.apply([{ key: 'full', revision: 0, value: 1, counts: [{ counter: 'total', by: most }] }]);
    for (const stream of ['alpha-1', 'alpha-2']) await append(stream, 1);
    const running = await runProjection({ projection: sums, store, readStore });
    await running.settled();
    expect(parked(running)).to.deep.equal(['alpha-1', 'alpha-2']);
    await append('alpha-3', -2);
    await running.settled();
    expect(await readStore.counters(['total'])).to.deep.equal([most - 2]);
    for (const stream of parked(running)) expect(await running.retryDeadLetter(stream)).to.equal('done');
    expect(await readStore.counters(['total'])).to.deep.equal([most]);
    await running.stop();
  });

  const faults = {
    'is out of memory': {
      begin: ['CONFIG', 'SET', 'maxmemory', '1'],
      end: ['CONFIG', 'SET', 'maxmemory', '0'],
    },
    'has become a read-only replica': {
      begin: ['REPLICAOF', '127.0.0.1', 'port'],
      end: ['REPLICAOF', 'NO', 'ONE'],
    },
    'may not be written to by this user any more': {
      begin: ['ACL', 'SETUSER', 'default', '-@write'],
      end: ['ACL', 'SETUSER', 'default', '+@all'],
    },
  };
  for (const [fault, { begin, end }] of Object.entries(faults)) {
    it(`parks nothing while the server ${fault}, and goes on afterwards`, async function () {
      this.timeout(90_000);
      for (const number of [1, 2, 3]) await append(`alpha-${number}`, number);
      const port = String(await freePort());
      const say = (words: readonly string[]) =>
        server.directly((redis) =>
          redis.call(
            words[0] ?? '',
            words.slice(1).map((word) => (word === 'port' ? port : word)),
          ),
        );
      await say(begin);
      let running: Running | undefined;
      try {
        running = await runProjection({ projection: sums, store, readStore });
        await inTrouble(running);
        expect(running.deadLetters()).to.deep.equal([]);
      } finally {
        await say(end);
      }
      await running.settled();
      expect(running.deadLetters()).to.deep.equal([]);
      expect(await readStore.counters(['total'])).to.deep.equal([6]);
      await running.stop();
    });
  }
});

describeOn(['elasticsearch'], 'a projection and what Elasticsearch refuses', function (env) {
  let under: Awaited<ReturnType<typeof openTestSearchIndex>>;
  let readStore: ReadStore;
  let index: ElasticsearchSearchIndex;
  let proxy: ElasticsearchProxy;
  let physical: string;
  beforeEach(async () => {
    under = await openTestSearchIndex(env);
    proxy = await openElasticsearchProxy(String(env['ELASTICSEARCH_URL']));
    index = await openElasticsearchSearchIndex({
      url: proxy.url,
      namespace: under.namespace,
      log: createQuietLog(),
      ...(env['ELASTICSEARCH_API_KEY'] && { apiKey: env['ELASTICSEARCH_API_KEY'] }),
    });
    physical = `${under.namespace}-search-stories`;
    store = createMemoryEventStore(() => 1);
    readStore = createMemoryReadStore(() => 0);
  });
  afterEach(async () => {
    await index.close();
    await proxy.close();
    await under.close();
  });

  const run = () => runProjection({ projection: stories, store, readStore, searchIndex: index });
  const rows = async () => {
    await index.refresh('stories');
    const hits = await index.search('stories', { partition: 'acme', order: 'ascending', limit: 100 });
    return hits.map(({ id }) => id);
  };
  const set = (settings: Record<string, unknown>) => under.client.indices.putSettings({ index: physical, settings });

  it('parks each document with a value that the mapping does not take, and applies what comes after them', async () => {
    // No document that the port lets through is of that kind: the way to the server makes it one.
    proxy.fault = ({ path, body }) =>
      path.includes('/_bulk')
        ? { kind: 'changed', body: body.replace(/"f_began":[12]/g, '"f_began":"no number"') }
        : undefined;
    for (const number of [1, 2]) await append(`alpha-${number}`, number, 'Begun');
    const running = await run();
    await running.settled();
    expect(parked(running)).to.deep.equal(['alpha-1', 'alpha-2']);
    expect(running.deadLetters()[0]?.error).to.include('document_parsing_exception').and.not.include('no number');
    await append('alpha-3', 3, 'Begun');
    await running.settled();
    expect(await rows()).to.deep.equal(['alpha-3']);
    proxy.fault = () => undefined;
    for (const stream of parked(running)) expect(await running.retryDeadLetter(stream)).to.equal('done');
    expect(await rows()).to.deep.equal(['alpha-1', 'alpha-2', 'alpha-3']);
    await running.stop();
  });

  const faults = {
    'is blocked for writing': {
      begin: () => set({ 'index.blocks.write': true }),
      end: () => set({ 'index.blocks.write': false }),
    },
    'is closed': {
      begin: () => under.client.indices.close({ index: physical }),
      end: () => under.client.indices.open({ index: physical }),
    },
    'has a pipeline that is not there': {
      begin: () => set({ 'index.default_pipeline': 'nowhere' }),
      end: () => set({ 'index.default_pipeline': '_none' }),
    },
  };
  for (const [fault, { begin, end }] of Object.entries(faults)) {
    it(`parks nothing while the index ${fault}, and goes on afterwards`, async function () {
      this.timeout(150_000);
      for (const number of [1, 2]) await append(`alpha-${number}`, number, 'Begun');
      const running = await run();
      await running.settled();
      await begin();
      for (const number of [3, 4]) await append(`alpha-${number}`, number, 'Begun');
      await inTrouble(running);
      expect(running.deadLetters()).to.deep.equal([]);
      await end();
      await eventually(async () => expect(await running.lag()).to.equal(0), 60_000);
      expect(running.deadLetters()).to.deep.equal([]);
      expect(await rows()).to.deep.equal(['alpha-1', 'alpha-2', 'alpha-3', 'alpha-4']);
      await running.stop();
    });
  }

  it('stops, and parks nothing, where the index was made anew with another mapping', async () => {
    const running = await run();
    await under.client.indices.delete({ index: physical });
    await under.client.indices.create({
      index: physical,
      aliases: { [`${physical}.documents`]: { is_write_index: true } },
      mappings: { properties: { f_began: { type: 'boolean' } } },
    });
    for (const number of [1, 2]) await append(`alpha-${number}`, number, 'Begun');
    expect((await running.failed).message).to.include('another shape');
    expect(running.deadLetters()).to.deep.equal([]);
    await running.stop();
  });
});
