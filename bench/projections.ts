// What each read model costs the projectors' thread: microseconds of processor time per event of a fixed log, each
// read model alone and all together, the reading of the log included. Two events make an inference; its end comes some
// hundred events after its beginning, as it does under load.
// Run: node bench/projections.ts [inferences]

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topicOf } from '#events/aggregates.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import { inferences as aggregate } from '#events/inference.ts';
import { createBlobs } from '#platform/blobs/blobs.ts';
import { openFolderBlobStore } from '#platform/blobs/folder-blob-store.ts';
import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import { createContents } from '#platform/content/content.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import type { Log } from '#platform/logging/log.ts';
import { newId } from '#platform/new-id.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { startProjection } from '#platform/projection/start-projection.ts';
import { openSqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';
import { openSqliteSearchIndex } from '#platform/search-index/sqlite-search-index.ts';
import { openKeyring } from '#platform/vault/keyring.ts';
import { openSqliteVault } from '#platform/vault/sqlite-vault.ts';
import { readModelsOf } from '../projectors/read-models.ts';

const inferences = Number(process.argv[2] ?? 50_000);
const TENANTS = 20;
const AT_ONCE = 250;
const RUNS = 4;
const say = (level: string) => (fields: object, message: string) => console.log(level, message, fields);
const log: Log = { debug: () => {}, info: () => {}, warn: say('warn'), error: say('error') };

const folder = await mkdtemp(join(tmpdir(), 'defter-bench-'));
const vault = openSqliteVault(join(folder, 'vault.sqlite'));
const keyring = await openKeyring({ vault, masterKey: randomBytes(32) });
const blobStore = await openFolderBlobStore(join(folder, 'blobs'));
const contents = createContents({ keyring, blobs: createBlobs({ store: blobStore, keyring }) });
const store = await openSqliteEventStore({ folder });

const tenantOf = (n: number) => `tenant-${n % TENANTS}`;
const origin = (n: number): Origin => ({
  eventId: newId(),
  commandId: newId(),
  tenantId: tenantOf(n),
  actor: { kind: 'api-key', id: `key-${n % 100}` },
  correlationId: newId(),
});

async function fill(): Promise<void> {
  for (let n = 0; n < TENANTS; n++) await keyring.createSubject(tenantOf(n));
  const words = Array.from({ length: 5_000 }, (_, n) => ((n * 2_654_435_761) % 4_294_967_296).toString(36));
  const text = (n: number) => Array.from({ length: 15 }, (_, w) => words[(n * 31 + w * w * 977) % 5_000]).join(' ');
  const ids = Array.from({ length: inferences }, newId);
  const request = async (n: number) => {
    const input = await contents.seal(tenantOf(n), text(n));
    const common = { model: 'language-id', modelOwner: 'platform', form: 'input', parameters: {} } as const;
    const event = createEvent('InferenceRequested', { ...common, input, deadline: 4e12 }, origin(n));
    await store.append(aggregate.stream(ids[n] ?? ''), [event], 'no_stream');
  };
  const complete = async (n: number) => {
    const output = await contents.seal(tenantOf(n), { label: 'en', scores: { en: 0.9, tr: 0.1 } });
    const usage = {
      inputTokens: 30,
      outputTokens: 30,
      cache: 'bypass',
      startedAt: 1_785_600_000_000,
      attempt: 1,
    } as const;
    const event = createEvent('InferenceCompleted', { ...usage, output }, origin(n));
    await store.append(aggregate.stream(ids[n] ?? ''), [event], 0);
  };
  for (let from = 0; from < inferences + AT_ONCE; from += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, at) => from + at);
    await Promise.all(numbers.filter((n) => n < inferences).map(request));
    await Promise.all(
      numbers
        .map((n) => n - AT_ONCE)
        .filter((n) => n >= 0)
        .map(complete),
    );
  }
}

/** Seconds of processor time until all are done with the log, in stores of their own. */
async function timed(readModels: readonly Projection[]): Promise<number> {
  const of = await mkdtemp(join(folder, 'read-models-'));
  const readStore = await openSqliteReadStore({ folder: of, writes: 'here' });
  const searchIndex = await openSqliteSearchIndex({ folder: of, reads: 'here' });
  const bus = openLogBus({ store, topicOf, partitions: 16, checkpoints: checkpointsInReadStore(readStore), log });
  const live = { publish: () => undefined };
  const began = process.cpuUsage();
  const running = await Promise.all(
    readModels.map((projection) => {
      const open = projection.createOpener?.(contents);
      return startProjection({ projection, bus, store, readStore, searchIndex, live, log, ...(open && { open }) });
    }),
  );
  for (const one of running) while ((await one.lag()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const { user, system } = process.cpuUsage(began);
  await Promise.all(running.map((one) => one.stop()));
  await bus.close();
  await readStore.close();
  await searchIndex.close();
  return (user + system) / 1e6;
}

try {
  await fill();
  console.log(`${inferences.toLocaleString('en')} inferences, two events each`);
  const readModels = readModelsOf({});
  const cases: (readonly Projection[])[] = [...readModels.map((one) => [one]), readModels];
  for (const some of cases) {
    // The least of some runs: others' work on the machine only ever adds.
    const runs: number[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await timed(some));
    const microseconds = (Math.min(...runs) * 1e6) / (2 * inferences);
    console.log(
      `${some
        .map(({ name }) => name)
        .join(' + ')
        .padEnd(44)} ${microseconds.toFixed(1).padStart(8)} µs/event`,
    );
  }
} finally {
  await store.close();
  keyring.close();
  await vault.close();
  await blobStore.close();
  await rm(folder, { recursive: true, force: true });
}
