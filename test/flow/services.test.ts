// Services as processes: what they refuse, what they wait for, and that they end as they should.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { describeOn } from '../services/describe-on.ts';
import { startEventStoreStandIn } from '../services/eventstore/recipe.ts';
import { freePort } from '../services/free-port.ts';
import type { RunningService } from '../services/service.ts';
import { createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import {
  ALL_SERVICES,
  type DistributedDefter,
  SHARED_SERVICES,
  startDistributed,
} from '../support/start-distributed.ts';
import { runMigrate, type StartedService, startService } from '../support/start-service.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));

/** What a program that must end by itself said, and its exit code. */
async function ended(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const started = run(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    timeout: 30_000,
  });
  return started.then(
    ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      said: error.stdout + error.stderr,
    }),
  );
}

describe('a service started alone', () => {
  it('is refused without shared engines, and told which are missing', async function () {
    this.timeout(60_000);
    for (const service of [...ALL_SERVICES, 'migrate']) {
      const { code, said } = await ended([service], { REDIS_URL: 'redis://127.0.0.1:1' });
      expect(code, service).to.equal(1);
      for (const name of ['EVENTSTORE_URL', 'KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'ELASTICSEARCH_URL', 'S3_ENDPOINT'])
        expect(said, service).to.include(name);
      expect(said, service).to.include('MASTER_KEY').and.not.to.include('REDIS_URL');
    }
  });

  it('must be one that there is', async () => {
    const { code, said } = await ended(['workers:nothing']);
    expect([code, said]).to.deep.equal([1, said]);
    expect(said).to.include('workers:relay').and.to.include('migrate');
  });
});

describe('one process over half of a bus', () => {
  it('is refused', async () => {
    const { code, said } = await ended([], { KAFKA_BROKERS: '127.0.0.1:1' });
    expect(code).to.equal(1);
    expect(said).to.include('SCHEMA_REGISTRY_URL');
  });
});

interface Ready {
  readonly status: string;
  readonly checks: Readonly<Record<string, string>>;
  readonly lag?: Readonly<Record<string, number | null>>;
}

async function askReady(opsUrl: string): Promise<Ready & { readonly code: number }> {
  const answer = await fetch(`${opsUrl}/readyz`);
  return { code: answer.status, ...((await answer.json()) as Ready) };
}

describeOn(SHARED_SERVICES, 'services as processes', (shared) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const opened: { stop(): Promise<unknown> }[] = [];
  beforeEach(async () => (folder = await temporaryFolder()));
  afterEach(async function () {
    this.timeout(60_000);
    for (let last = opened.pop(); last; last = opened.pop()) await last.stop();
    await folder.remove();
  });

  async function eventStoreAt(port: number): Promise<RunningService> {
    const data = join(folder.path, 'eventstore');
    await mkdir(data, { recursive: true });
    const store = await startEventStoreStandIn(data, { port });
    opened.push(store);
    return store;
  }

  const environment = (port: number): Record<string, string> => {
    const namespace = `t-${randomBytes(6).toString('hex')}`;
    return {
      ...shared,
      EVENTSTORE_URL: `esdb://127.0.0.1:${port}?tls=false`,
      NAMESPACE: namespace,
      S3_BUCKET: `${namespace}-blobs`,
      S3_VAULT_BUCKET: `${namespace}-vault`,
      MASTER_KEY: randomBytes(32).toString('hex'),
      API_KEY: randomBytes(24).toString('hex'),
      PARTITIONS: '2',
    };
  };

  it('wait for the event store and for migrate, say so, and go to work when both are there', async function () {
    this.timeout(120_000);
    const [port, opsPort] = [await freePort(), await freePort()];
    const env = environment(port);
    const opsUrl = `http://127.0.0.1:${opsPort}`;
    const starting = startService('projectors', { ...env, OPS_PORT: String(opsPort) });
    const started: Promise<StartedService> = starting.then((service) => {
      opened.push(service);
      return service;
    });
    await eventually(async () => {
      const { code, checks } = await askReady(opsUrl);
      expect(code).to.equal(503);
      expect(checks['start']).to.equal('waiting for event store');
    }, 30_000);
    expect((await fetch(`${opsUrl}/healthz`)).status).to.equal(200);
    await eventStoreAt(port);
    await eventually(async () => {
      expect((await askReady(opsUrl)).checks['start']).to.include('migrate');
    }, 30_000);
    const said = await runMigrate(env);
    expect(said).to.include('Topics, schemas and buckets are there.');
    await started;
    await eventually(async () => {
      const ready = await askReady(opsUrl);
      expect(ready.code).to.equal(200);
      // Nothing is relayed here, so there is nothing before any group.
      expect(Object.values(ready.lag ?? {}))
        .to.have.length.greaterThan(3)
        .and.to.satisfy((all: number[]) => all.every((one) => one === 0));
    }, 30_000);
  });

  it('are refused by migrate when a topic has another number of partitions; migrate may be repeated', async function () {
    this.timeout(120_000);
    const port = await freePort();
    const env = environment(port);
    await eventStoreAt(port);
    await runMigrate(env);
    await runMigrate(env);
    const { code, said } = await ended(['migrate'], { DISCOVER: 'off', ...env, PARTITIONS: '3' });
    expect(code).to.equal(1);
    expect(said).to.match(/has 2 partitions, it must have 3/);
  });

  it('refuse another master key, in a sentence', async function () {
    this.timeout(120_000);
    const port = await freePort();
    const env = environment(port);
    await eventStoreAt(port);
    await runMigrate(env);
    const { code, said } = await ended(['command-api'], {
      ...env,
      OPS_PORT: '0',
      MASTER_KEY: randomBytes(32).toString('hex'),
    });
    expect(code).to.equal(1);
    expect(said).to.include('The master key').and.not.to.include('    at ');
  });

  describe('that all run', () => {
    let defter: DistributedDefter;
    beforeEach(async function () {
      this.timeout(120_000);
      defter = await startDistributed(folder.path, shared);
      opened.push(defter);
    });

    it('each end with 0 when told to, and say meanwhile that they are stopping', async function () {
      this.timeout(60_000);
      const codes = await defter.stop();
      expect(Object.fromEntries(codes)).to.deep.equal(Object.fromEntries(ALL_SERVICES.map((name) => [name, 0])));
    });

    it('answer what belongs to the other API with 421, and methods as one', async () => {
      const commands = createApi(defter.services.get('command-api')?.url ?? '', defter.key);
      const queries = createApi(defter.services.get('query-api')?.url ?? '', defter.key);
      expect((await commands('GET', '/v1/models')).status).to.equal(421);
      expect((await queries('POST', '/v1/inferences', { body: {} })).status).to.equal(421);
      for (const api of [commands, queries]) {
        const wrong = await api('PATCH', '/v1/inferences');
        expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD, POST, OPTIONS']);
      }
    });

    it('give results again after each of them was killed in turn', async function () {
      this.timeout(180_000);
      const api = () => createApi(defter.url, defter.key);
      for (const name of ALL_SERVICES) {
        await defter.restart(name);
        const { body } = await api()<{ id: string }>('POST', '/v1/inferences', {
          body: { model: 'language-id', input: `Bonjour, c'est ${name} qui revient.` },
        });
        await eventually(async () => {
          const read = await api()<{ status: string }>('GET', `/v1/inferences/${body.id}?wait=10s`);
          expect(read.body.status, name).to.equal('completed');
        }, 60_000);
      }
    });
  });
});
