// The connection to Elasticsearch: a server that is not there is waited for, one that refuses is told, and one that is
// killed is used again once it is back, with nothing lost that was acknowledged.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Interrupted } from '#platform/patience/persist.ts';
import { StartError } from '#platform/errors.ts';
import { openElasticsearchSearchIndex } from '#platform/search-index/elasticsearch-search-index.ts';
import type { IndexDefinition, SearchQuery } from '#platform/search-index/search-index.ts';
import { describeOn } from '../services/describe-on.ts';
import { elasticsearchRecipe } from '../services/elasticsearch/recipe.ts';
import { freePort } from '../services/free-port.ts';
import type { RunningService } from '../services/service.ts';
import { serviceCache } from '../services/service-cache.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const definition: IndexDefinition = {
  name: 'notes',
  fields: { tenant: 'code', at: 'number' },
  sortBy: 'at',
  partitionBy: 'tenant',
};
const all: SearchQuery = { partition: undefined, order: 'ascending', limit: 1_000 };

describe('search index: a server that is no good', () => {
  it('is told at once: wrong credentials, another product, no URL', async () => {
    const answers = [
      [401, { 'x-elastic-product': 'Elasticsearch' }, /127\.0\.0\.1:\d+ refuses the credentials/],
      [403, { 'x-elastic-product': 'Elasticsearch' }, /refuses the credentials/],
      [200, {}, /is not Elasticsearch/],
      [406, { 'x-elastic-product': 'Elasticsearch' }, /no server of version 8 or 9/],
    ] as const;
    for (const [status, headers, message] of answers) {
      const server = createServer((_, response) => void response.writeHead(status, headers).end()).listen(
        0,
        '127.0.0.1',
      );
      await once(server, 'listening');
      const url = `http://someone:hidden-word@127.0.0.1:${(server.address() as AddressInfo).port}`;
      const log = createQuietLog();
      const error = await refusal(StartError, openElasticsearchSearchIndex({ url, namespace: 'test', log }));
      expect(error.message).to.match(message).and.not.include('hidden-word');
      server.close();
    }
    const log = createQuietLog();
    for (const url of ['nonsense', 'ftp://127.0.0.1']) {
      await refusal(StartError, openElasticsearchSearchIndex({ url, namespace: 'test', log }));
    }
    await refusal(StartError, openElasticsearchSearchIndex({ url: 'http://127.0.0.1:1', namespace: 'Not_This', log }));
  });

  it('is waited for while it is absent, aloud, until the waiting is ended', async () => {
    const url = `http://someone:hidden-word@127.0.0.1:${await freePort()}`;
    const [log, stop] = [createQuietLog(), new AbortController()];
    const opening = openElasticsearchSearchIndex({ url, namespace: 'test', log, signal: stop.signal });
    opening.catch(() => undefined);
    await eventually(() => expect(log.lines.join()).to.include('waiting for Elasticsearch').and.include('127.0.0.1:'));
    expect(log.lines.join()).to.not.include('hidden-word');
    stop.abort();
    await refusal(Interrupted, opening);
    await refusal(
      Interrupted,
      openElasticsearchSearchIndex({ url, namespace: 'test', log, signal: AbortSignal.abort() }),
    );
  });
});

describeOn(['elasticsearch'], 'search index: an Elasticsearch that is killed', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: RunningService;
  let url: string;

  before(async function () {
    this.timeout(180_000);
    folder = await temporaryFolder();
    const cache = serviceCache();
    await elasticsearchRecipe.install(cache);
    server = await elasticsearchRecipe.start({ cache, folder: folder.path });
    url = String(server.environment['ELASTICSEARCH_URL']);
  });
  after(async () => {
    await server?.stop();
    await folder?.remove();
  });

  it('is waited for at the start, and used once it comes', async function () {
    this.timeout(120_000);
    await server.kill9();
    const log = createQuietLog();
    const opening = openElasticsearchSearchIndex({ url, namespace: 'late', log });
    await eventually(() => expect(log.lines.join()).to.include('waiting for Elasticsearch'));
    await server.restart();
    const index = await opening;
    await index.define(definition);
    await index.health();
    expect(log.lines.join()).to.include('answers again');
    await index.close();
  });

  it('has what it acknowledged, with no position ahead of its documents, and takes more', async function () {
    this.timeout(180_000);
    const open = () => openElasticsearchSearchIndex({ url, namespace: 'killed', log: createQuietLog(), shards: 2 });
    const [writer, reader] = [await open(), await open()];
    await writer.define(definition);
    await reader.define(definition);
    const batch = (n: number) =>
      Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, revision: n, fields: { tenant: 'acme', at: n } }));
    let acknowledged = 0;
    const stopping = new AbortController();
    const failures: unknown[] = [];
    const writing = (async () => {
      for (let n = 1; !stopping.signal.aborted; n++) {
        const positions = new Map([['t/0', BigInt(n)]]);
        // As a projection does: the same batch again until it is taken.
        while (!stopping.signal.aborted) {
          try {
            await writer.apply('notes', batch(n), { projection: 'p', positions });
            acknowledged = n;
            break;
          } catch (error) {
            failures.push(error);
          }
        }
      }
    })();
    for (let round = 0; round < 3; round++) {
      const before = acknowledged;
      await eventually(() => expect(acknowledged).to.be.greaterThan(before + 5), 30_000);
      await server.kill9();
      const kept = acknowledged;
      await server.restart();
      await eventually(() => reader.refresh('notes'), 30_000);
      const { visible } = await reader.positions('notes', 'p');
      expect(Number(visible.get('t/0'))).to.be.at.least(kept);
      const revisions = (await reader.search('notes', all)).map(({ revision }) => revision);
      expect(revisions).to.have.length(20);
      expect(Math.min(...revisions)).to.be.at.least(Number(visible.get('t/0')));
    }
    const before = acknowledged;
    await eventually(() => expect(acknowledged).to.be.greaterThan(before), 30_000);
    stopping.abort();
    await writing;
    for (const error of failures) expect(error).to.have.property('retriable', true);
    await writer.close();
    await reader.close();
  });
});
