// What reads of the audit, of the past and of words cost beside many inferences, over HTTP on Defter as `npm start` runs it.
// Seeds the log itself, lets the projectors catch up, and then asks each read some times, one after the other.
// Run: node bench/audit.ts [inferences] [other events] [requests]      1,000,000, 50,000 and 60 unless named

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'undici';
import { apiKeys } from '#events/api-key.ts';
import { type Origin, createEvent } from '#events/create-event.ts';
import { inferences } from '#events/inference.ts';
import { members } from '#events/member.ts';
import { models } from '#events/model.ts';
import { users } from '#events/user.ts';
import { createBlobs } from '#platform/blobs/blobs.ts';
import { openFolderBlobStore } from '#platform/blobs/folder-blob-store.ts';
import { type Contents, createContents } from '#platform/content/content.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { newId } from '#platform/new-id.ts';
import { type Keyring, openKeyring } from '#platform/vault/keyring.ts';
import { openSqliteVault } from '#platform/vault/sqlite-vault.ts';
import { startDefter } from '../test/support/start-defter.ts';

const [many = 1_000_000, others = 50_000, requests = 60] = process.argv.slice(2).map(Number);
const TENANT = 'default';
const MEMBERS = 1_000;
const CHANGES = 200;
const STREAM_LENGTH = 500;
const AT_ONCE = 1_000;
const CALLERS = 4;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const folder = await mkdtemp(join(tmpdir(), 'defter-bench-'));
const masterKey = randomBytes(32);
const key = randomBytes(24).toString('hex');
const env = { API_KEY: key, MASTER_KEY: masterKey.toString('hex') };

const originOf = (actor: Origin['actor'] = { kind: 'api-key', id: 'bench' }): Origin => ({
  eventId: newId(),
  commandId: newId(),
  tenantId: TENANT,
  actor,
  correlationId: newId(),
});
const changed = models.stream(`${TENANT}-changed`);
const rare = { kind: 'user', id: 'rare' } as const;

type Store = Awaited<ReturnType<typeof openSqliteEventStore>>;
type Append = () => Promise<unknown>;

async function inPortions(appends: Iterable<Append> | AsyncIterable<Append>): Promise<void> {
  let under: Promise<unknown>[] = [];
  for await (const append of appends) {
    under.push(append());
    if (under.length < AT_ONCE) continue;
    await Promise.all(under);
    under = [];
  }
  await Promise.all(under);
}

const words = Array.from({ length: 5_000 }, (_, n) => ((n * 2_654_435_761) % 4_294_967_296).toString(36));
const textOf = (n: number) =>
  `everywhere ${Array.from({ length: 30 }, (_, w) => words[(n * 31 + w * w * 977) % words.length]).join(' ')}`;

/** One in 400 is of the rare actor, and is cancelled; one has a word of its own. */
async function* seedInferences(store: Store, contents: Contents): AsyncGenerator<Append> {
  const sealed = await Promise.all(Array.from({ length: 500 }, (_, n) => contents.seal(TENANT, textOf(n))));
  const needle = await contents.seal(TENANT, 'the only needle');
  for (let n = 0; n < many; n++) {
    const isRare = n % 400 === 7;
    const origin = () => originOf(isRare ? rare : { kind: 'api-key', id: `k${n % 50}` });
    const input = n === Math.floor(many / 3) ? needle : sealed[n % 500]!;
    const requested = createEvent(
      'InferenceRequested',
      { model: `m${n % 5}`, modelOwner: TENANT, form: 'input', input, parameters: {}, deadline: Date.now() + 60_000 },
      origin(),
    );
    const ended = isRare
      ? createEvent('InferenceCancelled', {}, origin())
      : createEvent(
          'InferenceCompleted',
          {
            output: sealed[(n + 1) % 500]!,
            inputTokens: 30,
            outputTokens: 30,
            cache: 'bypass',
            startedAt: Date.now(),
            attempt: 1,
          },
          origin(),
        );
    yield () => store.append(inferences.stream(newId()), [requested, ended], 'no_stream');
  }
}

const issued = (name: string) =>
  createEvent(
    'ApiKeyIssued',
    { name, hash: newId(), last4: 'abcd', scopes: ['inference:read'], expiresAt: null, models: null, personId: null },
    originOf(),
  );

function* seedOthers(store: Store): Generator<Append> {
  for (let n = 0; n < others; n += STREAM_LENGTH) {
    const limits = Array.from({ length: STREAM_LENGTH - 1 }, (_, at) =>
      createEvent('ApiKeyLimitsSet', { requestsPerMinute: at + 1 }, originOf()),
    );
    yield () => store.append(apiKeys.stream(`bench${n}`), [issued(`pipeline number ${n}`), ...limits], 'no_stream');
  }
  const registered = createEvent(
    'ModelRegistered',
    {
      name: 'changed',
      description: '',
      task: 'chat',
      runtime: 'openai',
      source: 'http://127.0.0.1:9',
      upstreamModel: null,
      credentialId: null,
      parameters: [],
      anyParameter: true,
      maxInputChars: 1_000,
      maxBatch: 1,
      maxDelayMs: 0,
      timeoutMs: 1_000,
      memoryBytes: 0,
    },
    originOf(),
  );
  const defaults = Array.from({ length: CHANGES - 1 }, (_, n) =>
    createEvent('ModelDefaultsSet', { defaults: { temperature: String(n / 100), top_p: '0.5' } }, originOf()),
  );
  yield () => store.append(changed, [registered, ...defaults], 'no_stream');
}

function* seedMembers(store: Store, contents: Contents, keyring: Keyring): Generator<Append> {
  for (let n = 0; n < MEMBERS; n++) {
    yield async () => {
      const userId = newId();
      await keyring.createSubject(userId);
      const [email, name] = await Promise.all([
        contents.seal(userId, `person${n}@example.com`),
        contents.seal(userId, `Person ${n}`),
      ]);
      const platform = (): Origin => ({ ...originOf(), tenantId: 'platform' });
      const person = [
        createEvent('UserInvited', { email, name, language: 'en' }, platform()),
        createEvent('UserRegistered', { name, language: 'en' }, platform()),
      ];
      const offer = { userId, role: 'viewer', expiresAt: Date.now() + 60_000, email, name, language: 'en' };
      const membership = [
        createEvent('MembershipOffered', offer, originOf()),
        createEvent('MembershipAccepted', {}, originOf({ kind: 'user', id: userId })),
      ];
      await store.append(users.stream(userId), person, 'no_stream');
      await store.append(members.stream(`${TENANT}-${userId}`), membership, 'no_stream');
    };
  }
}

async function seed(): Promise<void> {
  const vault = openSqliteVault(join(folder, 'vault.sqlite'));
  const keyring = await openKeyring({ vault, masterKey });
  const blobStore = await openFolderBlobStore(join(folder, 'blobs'));
  const contents = createContents({ keyring, blobs: createBlobs({ store: blobStore, keyring }) });
  const store = await openSqliteEventStore({ folder });
  await timed(`${MEMBERS} members seeded`, () => inPortions(seedMembers(store, contents, keyring)));
  await timed(`${others} other events seeded`, () => inPortions(seedOthers(store)));
  await timed(`${many} inferences seeded`, () => inPortions(seedInferences(store, contents)));
  await store.close();
  keyring.close();
  await vault.close();
  await blobStore.close();
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const made = await work();
  console.log(`${what}: ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  return made;
}

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

interface Page {
  readonly next: string | null;
  readonly data: readonly { readonly position: string; readonly recordedAt: string }[];
}

try {
  await (await startDefter(folder, env)).stop();
  await seed();
  const defter = await startDefter(folder, env);
  const client = new Client(defter.url);
  const headers = { authorization: `Bearer ${key}` };
  const get = async <T>(path: string, by = client): Promise<T> => {
    const { statusCode, body } = await by.request({ method: 'GET', path, headers });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${path} is ${statusCode}: ${text}`);
    return JSON.parse(text) as T;
  };
  await timed('read models caught up', async () => {
    const isDone = async () => {
      const { data } = await get<{ data: { ready: boolean; lag: number }[] }>('/v1/projections');
      return data.every(({ ready, lag }) => ready && lag === 0);
    };
    while (!(await isDone())) await sleep(250);
  });

  const slowest = { path: '', p95: 0 };
  async function measure(what: string, goal: number, ask: (n: number) => Promise<unknown>, path?: string) {
    for (let n = 0; n < 5; n++) await ask(n);
    const times: number[] = [];
    for (let n = 0; n < requests; n++) {
      const began = performance.now();
      await ask(n);
      times.push(performance.now() - began);
    }
    const p95 = at(times, 0.95);
    if (path !== undefined && p95 > slowest.p95) Object.assign(slowest, { path, p95 });
    const shown = `p50 ${at(times, 0.5).toFixed(1).padStart(7)} ms  p95 ${p95.toFixed(1).padStart(7)} ms`;
    console.log(`${what.padEnd(58)} ${shown}  ${p95 <= goal ? 'within' : 'BEYOND'} ${goal} ms`);
  }
  const measurePath = (what: string, goal: number, path: string) => measure(what, goal, () => get(path), path);
  const hundredth = async (path: string): Promise<string> => {
    let after = '';
    for (let page = 1; page < 100; page++) {
      const { next } = await get<Page>(`${path}${after}`);
      if (next === null) return `${path}${after}`;
      after = `&after=${encodeURIComponent(next)}`;
    }
    return `${path}${after}`;
  };
  async function measurePages(what: string, goal: number, path: string) {
    await measurePath(`${what}, first page`, goal, path);
    await measurePath(`${what}, hundredth page`, goal, await hundredth(path));
  }

  await measurePages('audit by stream', 20, `/v1/audit?stream=${apiKeys.stream('bench0')}&limit=5`);
  await measurePages('audit by rare type (1 in 800)', 20, '/v1/audit?type=InferenceCancelled&limit=20');
  await measurePath('audit by a type of one event', 20, '/v1/audit?type=ModelRegistered&stream=' + changed);
  await measurePages('audit by actor (1 in 400)', 20, `/v1/audit?actor=${rare.id}&limit=20`);
  await measurePath('inferences by a word of all', 100, '/v1/inferences?q=everywhere&limit=20');
  await measurePath('inferences by a prefix of all', 100, '/v1/inferences?q=every*&limit=20');
  await measurePath('inferences by a word of one', 100, '/v1/inferences?q=needle&limit=20');
  await measurePath('inferences by a word of one and one of all', 100, '/v1/inferences?q=needle+everywhere&limit=20');
  await measurePath(
    'inferences by a word of all that were cancelled',
    100,
    '/v1/inferences?q=everywhere&status=cancelled',
  );
  await measurePath('audit by words of names', 100, '/v1/audit?q=pipeline+number&limit=20');
  await measurePath('audit by a word of nothing', 100, '/v1/audit?q=nowhere');
  const ranges = { minute: 60_000, hour: 3_600_000, day: 86_400_000, year: 365 * 86_400_000 };
  for (const [name, ms] of Object.entries(ranges)) {
    const range = `from=${new Date(Date.now() - ms).toISOString()}&to=${new Date().toISOString()}`;
    await measurePath(
      `histogram of at most 400 buckets, the last ${name}`,
      150,
      `/v1/audit/histogram?${range}&buckets=400`,
    );
  }
  const events = await get<Page>(`/v1/audit?stream=${changed}&limit=100`);
  const moments = events.data.map(({ position }) => position);
  const moment = (n: number) => moments[n % moments.length] ?? '';
  await measure(`state of a stream of ${CHANGES} events as of a moment`, 20, (n) =>
    get(`/v1/streams/${changed}?at=${moment(n)}`),
  );
  const wholeAsOf = async (position: string) => {
    let after = '';
    for (;;) {
      const path = `/v1/tenants/${TENANT}/as-of?at=${position}${after}`;
      const { next } = await get<{ next: string | null }>(path);
      if (next === null) return;
      after = `&after=${encodeURIComponent(next)}`;
    }
  };
  await measure(`a tenant of ${MEMBERS} members as of a moment, all pages`, 300, (n) => wholeAsOf(moment(n)));
  const first = moments.at(-1) ?? '';
  await measurePath('history of 500 steps', 150, `/v1/tenants/${TENANT}/history?from=${first}`);

  await measurePath('plain list', 20, '/v1/inferences?limit=20');
  console.log(`the slowest read: ${slowest.path}`);
  const busy = { isOver: false };
  const callers = Array.from({ length: CALLERS }, async () => {
    const own = new Client(defter.url);
    while (!busy.isOver) await get(slowest.path, own);
    await own.close();
  });
  await sleep(500);
  await measure(`plain list beside ${CALLERS} callers of the slowest`, 20, () => get('/v1/inferences?limit=20'));
  busy.isOver = true;
  await Promise.all(callers);
  await client.close();
  await defter.stop();
} finally {
  await rm(folder, { recursive: true, force: true });
}
