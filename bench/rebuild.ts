// How long a full rebuild of each read model takes, embedded: from the request to the switch, the comparison with the live
// version included, one after the other on one thread.
// Run: node bench/rebuild.ts [events]

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEvent, type Origin } from '#events/create-event.ts';
import { PROJECTIONS, projectionVersions } from '#events/projection.ts';
import { inferenceStream, topicOf } from '#events/streams.ts';
import { createBlobs } from '#platform/blobs/blobs.ts';
import { openFolderBlobStore } from '#platform/blobs/folder-blob-store.ts';
import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import { createContents } from '#platform/content/content.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import type { Log } from '#platform/logging/log.ts';
import { newId } from '#platform/new-id.ts';
import { sayVersionsChanged } from '#platform/projection/version-directory.ts';
import { openSqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';
import { openSqliteSearchIndex } from '#platform/search-index/sqlite-search-index.ts';
import { openKeyring } from '#platform/vault/keyring.ts';
import { openSqliteVault } from '#platform/vault/sqlite-vault.ts';
import { decideRebuild } from '../command-api/operations/decide.ts';
import { startProjectors } from '../projectors/start.ts';

const events = Number(process.argv[2] ?? 1_000_000);
const TENANT = 'bench';
const AT_ONCE = 1_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (level: string) => (fields: object, message: string) => {
  console.log(
    level,
    message,
    JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? value.stack : value)),
  );
};
const log: Log = { debug: () => {}, info: () => {}, warn: say('warn'), error: say('error') };

const folder = await mkdtemp(join(tmpdir(), 'defter-bench-'));
const store = await openSqliteEventStore({ folder });
const readStore = await openSqliteReadStore({ folder, writes: 'here' });
const searchIndex = await openSqliteSearchIndex({ folder, reads: 'here' });
const vault = openSqliteVault(join(folder, 'vault.sqlite'));
const keyring = await openKeyring({ vault, masterKey: randomBytes(32) });
const blobStore = await openFolderBlobStore(join(folder, 'blobs'));
const contents = createContents({ keyring, blobs: createBlobs({ store: blobStore, keyring }) });
const live = openLiveHub({ log });
const bus = openLogBus({ store, topicOf, partitions: 16, checkpoints: checkpointsInReadStore(readStore), log });

const origin = (keyId?: string): Origin => ({
  eventId: newId(),
  commandId: newId(),
  tenantId: TENANT,
  actor: { kind: 'api-key', id: 'bench' },
  correlationId: newId(),
  ...(keyId !== undefined && { keyId }),
});

async function fill(): Promise<void> {
  await keyring.createSubject(TENANT);
  const words = Array.from({ length: 5_000 }, (_, n) => ((n * 2_654_435_761) % 4_294_967_296).toString(36));
  const text = (n: number) =>
    Array.from({ length: 30 }, (_, w) => words[(n * 31 + w * w * 977) % words.length]).join(' ');
  const sealed = await Promise.all(Array.from({ length: 500 }, (_, n) => contents.seal(TENANT, text(n))));
  for (let n = 0; n < events / 2; n += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, events / 2 - n) }, (_, at) => {
        const [input, output] = [sealed[(n + at) % 500]!, sealed[(n + at + 1) % 500]!];
        const common = { model: 'language-id', modelOwner: 'platform', form: 'input', parameters: {} } as const;
        const requested = { ...common, input: input.content, deadline: Date.now() + 60_000 };
        const usage = {
          inputTokens: 30,
          outputTokens: 30,
          cache: 'bypass',
          startedAt: Date.now(),
          attempt: 1,
        } as const;
        const pair = [
          createEvent('InferenceRequested', requested, origin(input.keyId)),
          createEvent('InferenceCompleted', { ...usage, output: output.content }, origin(input.keyId)),
        ];
        return store.append(inferenceStream(newId()), pair, 'no_stream');
      }),
    );
  }
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  const rate = Math.round(events / seconds).toLocaleString('en');
  console.log(`${what.padEnd(44)} ${seconds.toFixed(1).padStart(8)} s ${rate.padStart(9)} events/s`);
}

const stateOf = async (name: string) =>
  (await readWholeStream(store, projectionVersions.streamOf(name))).reduce(
    projectionVersions.evolve,
    projectionVersions.initial,
  );

async function rebuild(name: string): Promise<void> {
  const { initial, evolve, streamOf } = projectionVersions;
  const decide = (state: typeof initial) => {
    const decision = decideRebuild({ onDifference: 'keep', reason: null, origin: origin() }, state);
    return typeof decision === 'string' ? [] : decision;
  };
  const { state } = await handleCommand({ store, stream: streamOf(name), decider: { initial, evolve }, decide });
  sayVersionsChanged(live, name);
  for (;;) {
    await sleep(50);
    const now = await stateOf(name);
    if (now.candidate) continue;
    if (now.live !== state.highest) throw new Error(`${name}: ${JSON.stringify(now.last)}`);
    const { documents = 0, different = 0 } = now.last?.comparison ?? {};
    if (different > 0) throw new Error(`${name}: ${different} of ${documents} differ`);
    return;
  }
}

try {
  console.log(`${events.toLocaleString('en')} events of ${(events / 2).toLocaleString('en')} inferences`);
  await timed('appended', fill);
  const projectors = await startProjectors({ store, bus, readStore, searchIndex, contents, live, log });
  await timed('all four built at the same time, at start', async () => {
    while (!projectors.ready()) await sleep(50);
  });
  for (const name of PROJECTIONS) await timed(`${name}: built, compared, switched`, () => rebuild(name));
  await projectors.stop();
} finally {
  await bus.close();
  await live.close();
  await searchIndex.close();
  await readStore.close();
  keyring.close();
  await vault.close();
  await blobStore.close();
  await store.close();
  await rm(folder, { recursive: true, force: true });
}
