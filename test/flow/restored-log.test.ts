// After the log was restored from a backup, what is read is what the restored log says, and nothing of what it lost.

import { randomBytes } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { openEventStoreDbEventStore } from '#platform/event-store/eventstore-event-store.ts';
import { describeOn } from '../services/describe-on.ts';
import { type Api, createApi } from '../support/api-client.ts';
import { eventStoreAt } from '../support/event-store-at.ts';
import { eventually } from '../support/eventually.ts';
import { clientOf } from '../support/kafka-namespace.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { refusal } from '../support/refusal.ts';
import { DidNotStart, type RunningDefter, startDefter } from '../support/start-defter.ts';
import {
  ALL_SERVICES,
  type DistributedDefter,
  SHARED_SERVICES,
  startDistributed,
} from '../support/start-distributed.ts';
import { runMigrate, startService } from '../support/start-service.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KEY = randomBytes(24).toString('hex');
const REMOVED = 'built anew from what it is';
/** What works from the read models; the relay looks at what was relayed. */
const READERS = ALL_SERVICES.filter((name) => name !== 'workers:relay');

const LISTS = ['tenants', 'api-keys', 'models', 'inferences', 'audit'] as const;

interface Item {
  readonly id: string;
  readonly name?: string;
  readonly type?: string;
}

/** All that is listed, and which version of a read model is read. */
async function everything(api: Api) {
  const lists = {} as Record<(typeof LISTS)[number], readonly Item[]>;
  for (const path of LISTS) {
    // Models are listed whole.
    const limit = path === 'models' ? '' : '?limit=100';
    const { status, body } = await api<{ data: readonly Item[] }>('GET', `/v1/${path}${limit}`);
    expect(status, JSON.stringify(body)).to.equal(200);
    // When a key was used is kept beside the log, and is written in its own time.
    lists[path] = body.data.map((item) => ('lastUsedAt' in item ? { ...item, lastUsedAt: null } : item));
  }
  const audit = await api<{ version: number; state: string }>('GET', '/v1/projections/audit');
  expect(audit.body.state).to.equal('live');
  return { ...lists, version: audit.body.version };
}

/** Once all of these and the inference are listed, and the audit shows the switch to the version that it is read in. */
async function everythingWith(api: Api, inference: string, wanted: readonly string[]) {
  let all = await everything(api);
  await eventually(async () => {
    all = await everything(api);
    const listed = JSON.stringify(all);
    for (const one of wanted) expect(listed).to.include(one);
    // By itself: the audit names it, too, and is another read model.
    expect(all.inferences.map(({ id }) => id)).to.include(inference);
    expect(all.audit.filter(({ type }) => type === 'ProjectionSwitched')).to.have.length(all.version - 1);
  }, 60_000);
  return all;
}

async function infer(api: Api, input: string): Promise<string> {
  const { body } = await api<{ id: string }>('POST', '/v1/inferences', { body: { model: 'mine', input } });
  const read = await api<{ status: string }>('GET', `/v1/inferences/${body.id}?wait=30s`);
  expect(read.body.status).to.equal('completed');
  return body.id;
}

async function rebuild(api: Api, version: number): Promise<void> {
  expect((await api('POST', '/v1/projections/audit/rebuild')).status).to.equal(202);
  await eventually(async () => {
    const { body } = await api('GET', '/v1/projections/audit');
    expect(body).to.include({ version, state: 'live' });
  }, 60_000);
}

const putModel = (api: Api, description: string) =>
  api<{ revision: number }>('PUT', '/v1/models/mine', {
    body: { runtime: 'tensorflow', source: 'language-id', description },
  });
const createTenant = (api: Api, name: string) => api<{ id: string }>('POST', '/v1/tenants', { body: { name } });
const issue = (api: Api, name: string) => api<{ id: string; key: string }>('POST', '/v1/api-keys', { body: { name } });

/** What is in the backup. */
async function makeWhatIsKept(api: Api) {
  const tenant = (await createTenant(api, 'Kept')).body;
  expect((await putModel(api, 'kept')).status).to.equal(201);
  const robot = (await issue(api, 'robot')).body;
  const inference = await infer(api, 'Selamat pagi, apa kabar hari ini?');
  await rebuild(api, 2);
  return { robot, before: await everythingWith(api, inference, [tenant.id, robot.id, 'kept']) };
}

/** What comes after it, on streams of before and on new ones. */
async function makeWhatIsLost(api: Api, robot: { readonly id: string }) {
  const tenant = (await createTenant(api, 'Lost')).body;
  for (const description of ['lost', 'lost too', 'lost as well']) await putModel(api, description);
  const key = (await issue(api, 'lost')).body;
  expect((await api('DELETE', `/v1/api-keys/${robot.id}`)).status).to.equal(204);
  const inference = await infer(api, 'Bonjour, comment allez-vous ?');
  await rebuild(api, 3);
  await everythingWith(api, inference, [tenant.id, key.id, 'lost as well']);
  return { tenant, key, inference };
}

type Kept = Awaited<ReturnType<typeof makeWhatIsKept>>;
type Lost = Awaited<ReturnType<typeof makeWhatIsLost>>;

async function expectRestored(url: string, kept: Kept, lost: Lost): Promise<void> {
  const { before, robot } = kept;
  const { tenant, key, inference } = lost;
  const api = createApi(url, KEY);
  await eventually(async () => {
    const now = await everything(api);
    expect(now.version).to.equal(before.version);
    // As text, so that a difference is shown.
    for (const path of LISTS)
      expect(JSON.stringify(now[path], null, 1)).to.equal(JSON.stringify(before[path], null, 1));
  }, 60_000);
  expect((await api('GET', `/v1/tenants/${tenant.id}`)).status).to.equal(404);
  expect((await api('GET', `/v1/inferences/${inference}`)).status).to.equal(404);
  expect((await createApi(url, key.key)('GET', '/v1/models')).status).to.equal(401);
  expect((await createApi(url, robot.key)('GET', '/v1/models')).status).to.equal(200);

  // The same streams again, at revisions that the lost events had.
  expect((await putModel(api, 'after it')).body.revision).to.equal(1);
  expect((await createTenant(api, 'Lost')).status).to.equal(201);
  expect((await api('DELETE', `/v1/api-keys/${robot.id}`)).status).to.equal(204);
  expect((await createApi(url, robot.key)('GET', '/v1/models')).status).to.equal(401);
  const next = await infer(api, 'Guten Morgen, wie geht es dir heute?');
  await rebuild(api, 3);
  const now = await everythingWith(api, next, ['after it']);
  expect(now.tenants.filter(({ name }) => name === 'Lost')).to.have.length(1);
  for (const one of [inference, tenant.id, key.id, 'lost too']) expect(JSON.stringify(now)).not.to.include(one);
}

describe('a log that was restored, in one process', function () {
  this.timeout(240_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let defter: RunningDefter | undefined;
  const start = async () => {
    defter = await startDefter(folder.path, { API_KEY: KEY, CHECK_ANSWERS: 'on' });
    return createApi(defter.url, KEY);
  };
  const stop = async () => {
    expect(await defter?.stop(), defter?.printed()).to.equal(0);
    defter = undefined;
  };
  beforeEach(async () => (folder = await temporaryFolder()));
  afterEach(async () => {
    await defter?.kill9();
    await folder.remove();
  });

  it('has its read models built anew at the next start, and only then', async () => {
    const backup = await temporaryFolder();
    const log = join(folder.path, 'events.sqlite');
    const kept = await makeWhatIsKept(await start());
    await stop();
    await cp(log, join(backup.path, 'events.sqlite'));
    const lost = await makeWhatIsLost(await start(), kept.robot);
    expect(defter?.printed()).not.to.include(REMOVED);
    await stop();

    for (const suffix of ['-wal', '-shm']) await rm(log + suffix, { force: true });
    await cp(join(backup.path, 'events.sqlite'), log);
    await backup.remove();
    const file = new DatabaseSync(log);
    file.exec("UPDATE meta SET value = 'restored' WHERE name = 'generation'");
    file.close();

    await start();
    await expectRestored(defter?.url ?? '', kept, lost);
    expect(defter?.printed()).to.include(REMOVED);
    const after = await everything(createApi(defter?.url ?? '', KEY));
    await stop();
    const last = await start();
    expect(defter?.printed()).not.to.include(REMOVED);
    await eventually(async () => expect(await everything(last)).to.deep.equal(after), 20_000);
  });
});

/** What the relay asks for: the topics hold events of the former log. */
async function removeTopics(env: Readonly<Record<string, string>>): Promise<void> {
  const admin = clientOf((env['KAFKA_BROKERS'] ?? '').split(','), createQuietLog()).admin();
  await admin.connect();
  const own = async () => (await admin.listTopics()).filter((topic) => topic.startsWith(`${env['NAMESPACE']}.`));
  await admin.deleteTopics({ topics: await own() });
  await eventually(async () => expect(await own()).to.deep.equal([]), 20_000);
  await admin.disconnect();
}

describeOn(SHARED_SERVICES, 'a log that was restored, services as processes', (shared) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let defter: DistributedDefter | undefined;
  beforeEach(async () => (folder = await temporaryFolder()));
  afterEach(async function () {
    this.timeout(60_000);
    await defter?.stop();
    await folder.remove();
  });

  it('is refused by every service that works from read models, until migrate has been run', async function () {
    this.timeout(400_000);
    defter = await startDistributed(folder.path, shared, { API_KEY: KEY });
    const { env, eventStore, logDir, services, url } = defter;
    const api = createApi(url, KEY);
    const backup = join(folder.path, 'backup');
    const stopAll = () => Promise.all([...services.values()].map((one) => one.stop()));
    const startAll = () => Promise.all(ALL_SERVICES.map(async (name) => defter?.restart(name)));

    const kept = await makeWhatIsKept(api);
    await stopAll();
    await eventStore.kill9();
    await cp(logDir, backup, { recursive: true });
    await eventStore.restart();
    await startAll();
    const lost = await makeWhatIsLost(api, kept.robot);
    await stopAll();

    await eventStore.kill9();
    await rm(logDir, { recursive: true });
    await cp(backup, logDir, { recursive: true });
    await eventStore.restart();
    const store = await openEventStoreDbEventStore({
      address: eventStoreAt(env['EVENTSTORE_URL']),
      log: createQuietLog(),
    });
    const former = store.generation;
    expect(await store.changeGeneration()).not.to.equal(former);
    await store.close();
    await removeTopics(env);

    for (const name of READERS) {
      const { exitCode, printed } = await refusal(DidNotStart, startService(name, env));
      expect(exitCode, name).to.equal(1);
      expect(printed, name).to.include(former).and.to.include('node main.ts migrate').and.not.to.include('    at ');
    }
    expect(await runMigrate(env))
      .to.include(REMOVED)
      .and.to.include('Redis')
      .and.to.include('Elasticsearch');
    expect(await runMigrate(env)).not.to.include(REMOVED);
    await startAll();
    await expectRestored(url, kept, lost);
  });
});
