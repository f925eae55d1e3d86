// In one process any mix of engines runs: each engine in a server of its own beside embedded ones, and all of them.

import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { describeOn, serviceEnvironment } from '../services/describe-on.ts';
import { startEventStoreStandIn } from '../services/eventstore/recipe.ts';
import type { ServiceName } from '../services/service.ts';
import { createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { startDefter } from '../support/start-defter.ts';
import { SHARED_SERVICES } from '../support/start-distributed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIXES: Readonly<Record<string, readonly ServiceName[]>> = {
  EventStoreDB: ['eventstore'],
  Kafka: ['kafka', 'schema-registry'],
  Redis: ['redis'],
  Elasticsearch: ['elasticsearch'],
  S3: ['s3'],
  'every engine': ['eventstore', ...SHARED_SERVICES],
};

for (const [title, engines] of Object.entries(MIXES))
  describeOn(
    engines.filter((name) => name !== 'eventstore'),
    `one process over ${title}`,
    (shared) => {
      it('accepts, runs, lists, and keeps everything over a restart', async function () {
        this.timeout(120_000);
        const folder = await temporaryFolder();
        const data = join(folder.path, 'eventstore');
        await mkdir(data);
        const eventStore = engines.includes('eventstore') ? await startEventStoreStandIn(data) : undefined;
        const namespace = `t-${randomBytes(6).toString('hex')}`;
        const key = randomBytes(24).toString('hex');
        const env = {
          ...shared,
          ...eventStore?.environment,
          ...(engines.includes('s3') && { S3_BUCKET: `${namespace}-blobs`, S3_VAULT_BUCKET: `${namespace}-vault` }),
          MASTER_KEY: randomBytes(32).toString('hex'),
          API_KEY: key,
          NAMESPACE: namespace,
          PARTITIONS: '2',
          CHECK_ANSWERS: 'on',
        };
        const input = 'Selamat pagi, apa kabar hari ini?';
        try {
          const first = await startDefter(folder.path, env);
          const submitted = await createApi(first.url, key)<{ id: string }>('POST', '/v1/inferences', {
            body: { model: 'language-id', input },
          });
          expect(submitted.status).to.equal(202);
          const { id } = submitted.body;
          const read = await createApi(first.url, key)('GET', `/v1/inferences/${id}?wait=30s`);
          expect(read.body).to.include({ id, status: 'completed', input });
          expect(await first.stop()).to.equal(0);

          const second = await startDefter(folder.path, env);
          const api = createApi(second.url, key);
          await eventually(async () => {
            const list = await api<{ data: { id: string }[] }>('GET', '/v1/inferences');
            expect(list.body.data.map((one) => one.id)).to.deep.equal([id]);
          }, 20_000);
          await eventually(async () => expect((await fetch(`${second.url}/readyz`)).status).to.equal(200), 20_000);
          expect(await second.stop()).to.equal(0);
        } finally {
          await eventStore?.stop();
          await folder.remove();
        }
      });
    },
  );

describe('the environment of servers', () => {
  it('names for each all that is set of it, and nothing else', () => {
    const names = Object.keys(serviceEnvironment(['redis']));
    expect(names.every((name) => name.startsWith('REDIS_'))).to.equal(true);
  });
});
