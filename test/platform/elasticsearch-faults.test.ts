// What Elasticsearch, and the way to it, do to a search index: nothing acknowledged is lost, nothing is taken for done that
// is not, and only a document's own fault is told as one.

import { expect } from 'chai';
import { isFinal, isTransient } from '#platform/errors.ts';
import { DocumentRefused } from '#platform/document-refused.ts';
import {
  type ElasticsearchSearchIndex,
  openElasticsearchSearchIndex,
} from '#platform/search-index/elasticsearch-search-index.ts';
import {
  type IndexDefinition,
  IndexShapeDiffers,
  type IndexWrite,
  type SearchQuery,
  SearchTimedOut,
} from '#platform/search-index/search-index.ts';
import { describeOn } from '../services/describe-on.ts';
import { openTestSearchIndex } from '../support/elasticsearch-index.ts';
import { type ElasticsearchProxy, openElasticsearchProxy } from '../support/elasticsearch-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';

const definition: IndexDefinition = {
  name: 'notes',
  fields: { tenant: 'code', at: 'number', words: 'text' },
  sortBy: 'at',
  partitionBy: 'tenant',
};
const all: SearchQuery = { partition: undefined, order: 'ascending', limit: 1_000 };
const document = (id: string, revision = 0, words = 'w'): IndexWrite => ({
  id,
  revision,
  fields: { tenant: 'acme', at: 1, words },
});
const at = (position: bigint, partition = 't/0') => ({ projection: 'p', positions: new Map([[partition, position]]) });

describeOn(['elasticsearch'], 'search index: Elasticsearch under faults', (env) => {
  let under: Awaited<ReturnType<typeof openTestSearchIndex>>;
  let index: ElasticsearchSearchIndex;
  let proxy: ElasticsearchProxy;
  let physical: string;

  beforeEach(async () => {
    under = await openTestSearchIndex(env);
    proxy = await openElasticsearchProxy(String(env['ELASTICSEARCH_URL']));
    index = await openElasticsearchSearchIndex(options());
    await index.define(definition);
    physical = `${under.namespace}-search-notes`;
  });
  afterEach(async () => {
    await index.close();
    await proxy.close();
    await under.close();
  });

  const options = () => ({
    url: proxy.url,
    namespace: under.namespace,
    log: createQuietLog(),
    ...(env['ELASTICSEARCH_API_KEY'] && { apiKey: env['ELASTICSEARCH_API_KEY'] }),
  });
  const found = async () => {
    await index.refresh('notes');
    return (await index.search('notes', all)).map(({ id, revision }) => `${id}@${revision}`);
  };
  const isBulk = ({ path }: { path: string }) => path.includes('/_bulk');
  const isPositions = ({ method, path }: { method: string; path: string }) =>
    method === 'PUT' && path.includes('positions');
  /** The nth request of a kind, from 1, meets the fault. */
  function only<T>(which: (request: { method: string; path: string }) => boolean, n: number, fault: T) {
    let count = 0;
    return (request: { method: string; path: string }) => (which(request) && ++count === n ? fault : undefined);
  }

  describe('a bulk', () => {
    it('whose answer is lost is sent again and changes nothing twice', async () => {
      for (const kind of ['cut before', 'cut after'] as const) {
        proxy.fault = only(isBulk, 1, { kind });
        await index.apply('notes', [document('a', 1), document('b')], at(5n));
      }
      expect(await found()).to.deep.equal(['a@1', 'b@0']);
      expect(proxy.requests.filter(isBulk).length).to.equal(4);
    });

    it('that is answered 200 with items that failed sends those again, and those alone', async () => {
      for (const [status, type] of [
        [429, 'es_rejected_execution_exception'],
        [503, 'unavailable_shards_exception'],
        [403, 'cluster_block_exception'],
      ] as const) {
        proxy.requests.length = 0;
        let faults = 0;
        const failed = { index: { status, error: { type } } };
        proxy.fault = (request) => {
          if (!isBulk(request) || ++faults > 2) return undefined;
          if (faults === 2) return { kind: 'answer', status: 200, body: { errors: true, items: [failed] } };
          // The first document does not reach the server.
          const body = request.body.split('\n').slice(2).join('\n');
          const twist = (answer: unknown) => ({ errors: true, items: [failed, ...(answer as { items: [] }).items] });
          return { kind: 'changed', body, twist };
        };
        await index.apply('notes', [document(`one-${status}`), document(`two-${status}`)], at(1n));
        const sent = proxy.requests.filter(isBulk).map(({ body }) => body.match(/"_id":"[a-z]+/g)?.join());
        expect(sent).to.deep.equal(['"_id":"one,"_id":"two', '"_id":"one', '"_id":"one']);
        expect(await found()).to.include.members([`one-${status}@0`, `two-${status}@0`]);
      }
    });

    it('takes a version conflict for done', async () => {
      await under.index.define(definition);
      await under.index.apply('notes', [document('a', 7)]);
      await index.apply('notes', [document('a', 3), document('b', 1)], at(9n));
      expect(await found()).to.deep.equal(['a@7', 'b@1']);
      expect((await index.positions('notes', 'p')).written.get('t/0')).to.equal(9n);
    });

    it('with a document that the index does not take names it, and moves no position', async () => {
      const bad: IndexWrite = { id: 'bad-one', revision: 0, fields: { tenant: 'acme', at: 2 } };
      proxy.fault = (request) =>
        isBulk(request)
          ? { kind: 'changed', body: request.body.replace('"f_at":2', '"f_at":"secret text"') }
          : undefined;
      const error = await refusal(DocumentRefused, index.apply('notes', [document('good'), bad], at(4n)));
      expect(error.message).to.include('bad-one').and.include('document_parsing_exception').and.not.include('secret');
      expect(isFinal(error)).to.equal(true);
      expect((await index.positions('notes', 'p')).written.size).to.equal(0);
      expect(await found()).to.deep.equal(['good@0']);
    });

    it('that fails for another reason stops without blaming a document', async () => {
      proxy.fault = only(isBulk, 1, {
        kind: 'answer' as const,
        status: 200,
        body: { errors: true, items: [{ index: { status: 404, error: { type: 'index_not_found_exception' } } }] },
      });
      const error = await index.apply('notes', [document('a')], at(4n)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(Error);
      expect(isFinal(error)).to.equal(false);
    });

    it('too large for one request goes in several, each durable before the positions', async () => {
      const long = Array.from({ length: 1_500 }, (_, n) => `word${n}`).join(' ');
      const writes = Array.from({ length: 900 }, (_, n) => document(String(n), 0, long));
      await index.apply('notes', writes, at(900n));
      const sizes = proxy.requests.filter(isBulk).map(({ body }) => Buffer.byteLength(body));
      expect(sizes.length).to.be.greaterThan(2);
      expect(Math.max(...sizes)).to.be.lessThan(4.1 * 1_048_576);
      expect((await found()).length).to.equal(900);
      const order = proxy.requests.map((request) => (isBulk(request) ? 'b' : isPositions(request) ? 'p' : ''));
      expect(order.join('')).to.match(/^b+p$/);
    });

    it('that fails in one of its requests is not taken for done', async () => {
      const writes = Array.from({ length: 1_400 }, (_, n) => document(`n${n}`));
      proxy.fault = (request) =>
        isBulk(request) && request.body.includes('"_id":"n700"')
          ? { kind: 'answer', status: 404, body: { error: { type: 'index_not_found_exception' } } }
          : undefined;
      const error = await refusal(Error, index.apply('notes', writes, at(4n)));
      expect(error.message).to.include('index_not_found_exception');
      expect((await index.positions('notes', 'p')).written.size).to.equal(0);
      proxy.fault = () => undefined;
      await index.apply('notes', writes, at(4n));
      await index.refresh('notes');
      expect((await index.digests('notes', { limit: 1_000, after: 'n1' })).length).to.equal(1_000);
      expect(await index.aggregate('notes', 'tenant', { partition: undefined })).to.deep.equal([
        { value: 'acme', count: 1_400 },
      ]);
    });

    it('holds the newest of several writes of a document, whichever place it has', async () => {
      await index.apply('notes', [
        document('a', 2, 'x'),
        document('a', 5, 'y'),
        document('a', 3, 'z'),
        document('a', 5, 'q'),
      ]);
      expect(await found()).to.deep.equal(['a@5']);
      const text = { field: 'words', words: ['y'] };
      expect((await index.search('notes', { ...all, text })).length).to.equal(1);
    });
  });

  it('waits while a full disk makes the index read-only, and parks nothing', async () => {
    const block = (on: boolean | null) =>
      under.client.indices.putSettings({ index: physical, settings: { 'index.blocks.read_only_allow_delete': on } });
    await block(true);
    const applied = index.apply('notes', [document('a')], at(3n));
    await eventually(() => expect(proxy.requests.filter(isBulk).length).to.be.greaterThan(2));
    await block(null);
    await applied;
    expect(await found()).to.deep.equal(['a@0']);
    expect((await index.positions('notes', 'p')).written.get('t/0')).to.equal(3n);
  });

  it('keeps the revision of a deleted document when Elasticsearch has forgotten its deletes', async () => {
    await under.client.indices.putSettings({ index: physical, settings: { 'index.gc_deletes': '1ms' } });
    await index.apply('notes', [document('a', 4), { id: 'a', revision: 5, fields: null }]);
    await under.client.indices.flush({ index: physical, force: true });
    await under.client.indices.forcemerge({ index: physical, max_num_segments: 1 });
    await index.apply('notes', [document('a', 4)]);
    expect(await found()).to.deep.equal([]);
  });

  describe('positions', () => {
    it('are durable at once and visible only after a refresh', async () => {
      await index.apply('notes', [document('a')], at(3n));
      expect((await index.positions('notes', 'p')).written.get('t/0')).to.equal(3n);
      expect((await index.positions('notes', 'p')).visible.get('t/0')).to.equal(undefined);
      await index.refresh('notes');
      expect((await index.positions('notes', 'p')).visible.get('t/0')).to.equal(3n);
    });

    it('that are written while a refresh is under way wait for the next one', async () => {
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      const isRefresh = ({ path }: { path: string }) => path.includes('_refresh');
      await index.apply('notes', [document('a')], at(1n));
      proxy.fault = only(isRefresh, 1, { kind: 'changed' as const, until: held });
      const first = index.refresh('notes');
      await eventually(() => expect(proxy.requests.some(isRefresh)).to.equal(true));
      await index.apply('notes', [document('b')], at(2n));
      const others = [index.refresh('notes'), index.refresh('notes'), index.refresh('notes')];
      expect((await index.positions('notes', 'p')).visible.size).to.equal(0);
      release();
      await first;
      await Promise.all(others);
      expect((await index.positions('notes', 'p')).visible.get('t/0')).to.equal(2n);
      expect(await index.search('notes', all)).to.have.length(2);
      expect(proxy.requests.filter(isRefresh).length).to.equal(2);
    });

    it('are never visible before their documents, in any shard, while others write', async () => {
      const name = 'wide';
      const other = await openElasticsearchSearchIndex({ ...options(), shards: 3 });
      await other.define({ ...definition, name });
      await index.define({ ...definition, name });
      const last = 40;
      const writing = (async () => {
        for (let n = 1; n <= last; n++) {
          await other.apply(
            name,
            [1, 2, 3, 4].map((i) => document(`${i}`, n)),
            at(BigInt(n)),
          );
        }
      })();
      for (let visible = 0; visible < last;) {
        await index.refresh(name);
        visible = Number((await index.positions(name, 'p')).visible.get('t/0') ?? 0n);
        if (visible === 0) continue;
        const revisions = (await index.search(name, all)).map(({ revision }) => revision);
        expect(revisions).to.have.length(4);
        expect(Math.min(...revisions)).to.be.at.least(visible);
      }
      await writing;
      await other.close();
    });

    it('are moved by several writers at once, none back', async () => {
      const others = await Promise.all([1, 2, 3].map(() => under.another()));
      for (const other of others) await other.define(definition);
      await Promise.all(
        others.map(async (other, i) => {
          for (let n = 1; n <= 15; n++) {
            await other.apply('notes', [], at(BigInt(n), `own/${i}`));
            await other.apply('notes', [], at(BigInt(i === 0 ? n : 1), 'zombie/0'));
          }
        }),
      );
      const { written } = await index.positions('notes', 'p');
      expect(Object.fromEntries([...written].map(([name, position]) => [name, Number(position)]))).to.deep.equal({
        'own/0': 15,
        'own/1': 15,
        'own/2': 15,
        'zombie/0': 15,
      });
      await Promise.all(others.map((other) => other.close()));
    });

    it('are moved once when the answer is lost', async () => {
      proxy.fault = only(isPositions, 1, { kind: 'cut after' as const });
      await index.apply('notes', [document('a')], at(8n));
      proxy.fault = only(isPositions, 1, { kind: 'cut before' as const });
      await index.apply('notes', [document('a')], at(9n));
      expect((await index.positions('notes', 'p')).written.get('t/0')).to.equal(9n);
    });

    it('of an index that was made anew elsewhere do not count as visible', async () => {
      await index.apply('notes', [document('a')], at(50n));
      await index.refresh('notes');
      await under.index.define(definition);
      await under.index.drop('notes');
      await under.index.define(definition);
      await under.index.apply('notes', [document('a')], at(60n));
      const { written, visible } = await index.positions('notes', 'p');
      expect([written.get('t/0'), visible.get('t/0')]).to.deep.equal([60n, undefined]);
    });
  });

  describe('an index', () => {
    it('that is gone is never made by a write, and the write is not a fault of its document', async () => {
      await under.client.indices.delete({ index: physical });
      const error = await index.apply('notes', [document('a')], at(1n)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(Error);
      expect(isFinal(error)).to.equal(false);
      expect(await under.client.indices.exists({ index: `${under.namespace}-*`, allow_no_indices: false })).to.equal(
        false,
      );
    });

    it('of an older program, or changed by hand, is refused by name', async () => {
      const other = await under.another();
      const older = { ...definition, name: 'older' };
      await under.client.indices.create({
        index: `${under.namespace}-search-older`,
        aliases: { [`${under.namespace}-search-older.documents`]: {} },
        mappings: { dynamic: 'strict', _meta: { version: 0 }, properties: { id: { type: 'keyword' } } },
      });
      const error = await refusal(IndexShapeDiffers, other.define(older));
      expect(error.message).to.include('older').and.include('rebuilt');
      await under.client.indices.putMapping({ index: physical, properties: { more: { type: 'keyword' } } });
      await refusal(IndexShapeDiffers, other.define(definition));
      await other.close();
    });

    it('that may forget writes is refused', async () => {
      await under.client.indices.putSettings({ index: physical, settings: { 'index.translog.durability': 'async' } });
      const other = await under.another();
      const error = await refusal(Error, other.define(definition));
      expect(error.message).to.include(physical).and.include('index.translog.durability');
      await other.close();
    });

    it('is made once by many at once', async () => {
      const others = await Promise.all([1, 2, 3, 4].map(() => under.another()));
      await Promise.all(others.map((other) => other.define({ ...definition, name: 'together' })));
      await Promise.all(others.map((other) => other.close()));
    });

    it('has the shards and copies that were asked for', async () => {
      const other = await openElasticsearchSearchIndex({ ...options(), shards: 2, replicas: 0 });
      await other.define({ ...definition, name: 'wide' });
      const name = `${under.namespace}-search-wide`;
      const made = (await under.client.indices.get({ index: name }))[name]?.settings?.index;
      expect(made).to.deep.include({ number_of_shards: '2', number_of_replicas: '0', refresh_interval: '1s' });
      await other.close();
    });
  });

  describe('a search', () => {
    it('that is not answered ends at its deadline with an error that may pass', async () => {
      const hasty = await openElasticsearchSearchIndex({ ...options(), searchWithinMs: 200 });
      await hasty.define(definition);
      proxy.fault = ({ path }) => (path.includes('_search') ? { kind: 'silence' } : undefined);
      const began = performance.now();
      const error = await refusal(SearchTimedOut, hasty.search('notes', all));
      expect(isTransient(error)).to.equal(true);
      expect(performance.now() - began).to.be.lessThan(3_000);
      await hasty.close();
    });

    it('that Elasticsearch gave up half-way is no answer', async () => {
      proxy.fault = ({ path }) =>
        path.includes('_search')
          ? { kind: 'changed', twist: (answer) => ({ ...(answer as object), timed_out: true }) }
          : undefined;
      await refusal(SearchTimedOut, index.search('notes', all));
      await refusal(SearchTimedOut, index.aggregate('notes', 'tenant', { partition: undefined }));
      await refusal(SearchTimedOut, index.digests('notes', { limit: 1 }));
    });

    it('asks again when the connection was cut or the server busy', async () => {
      await index.apply('notes', [document('a')]);
      await index.refresh('notes');
      const isSearch = ({ path }: { path: string }) => path.includes('_search');
      proxy.fault = only(isSearch, 1, { kind: 'cut after' as const });
      expect(await index.search('notes', all)).to.have.length(1);
      proxy.fault = only(isSearch, 1, { kind: 'answer' as const, status: 429, body: {} });
      expect(await index.search('notes', all)).to.have.length(1);
    });
  });

  it('tells its health, and closes twice', async () => {
    await index.health();
    proxy.fault = () => ({ kind: 'answer', status: 503, body: {} });
    const error = await refusal(Error, index.health());
    expect(error.message).to.include('does not answer').and.include('503');
    await index.close();
    await index.close();
    await refusal(Error, index.search('notes', all));
  });
});
