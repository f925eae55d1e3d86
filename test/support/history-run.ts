// Runs clients against a server that is interrupted again and again, lets it come to rest, and takes down the history.

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { categoryOf, subjectOf } from '#events/streams.ts';
import { createRandom } from '../../models/training/random.ts';
import { readModelsOf } from '../../projectors/read-models.ts';
import { createApi } from './api-client.ts';
import { checkHistory, describeViolations } from './history-checker.ts';
import { runClient } from './history-clients.ts';
import { collectReadModels, openLogOf, readDocuments, readLog, untilQuiet } from './history-collect.ts';
import { printHistory } from './history-file.ts';
import { createRecorder } from './history-recorder.ts';
import { createMortalServer, type MortalServer } from './history-server.ts';
import type { History } from './history.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface FaultRun {
  readonly seed: number;
  readonly rounds: number;
  readonly clients: number;
  /** How a round ends; the next begins with a start on the same folder. */
  readonly interrupt: (server: MortalServer) => Promise<void>;
  /** Chance that a start is killed before it is done, each time. */
  readonly killStarts: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface FaultReport {
  readonly history: History;
  /** What broke, a line each, with the path of the whole history; empty when all is well. */
  readonly faults: string;
}

/** A start is killed at some time up to this long after its process began. */
const START_MS = 1_500;
/** How long a round lasts from its server's readiness, at most; one in six ends at once. */
const ROUND_MS = 1_800;
const AT_ONCE_MS = 60;
const QUIET_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 10_000;
const TENANT = 'default';

export async function runUnderFaults(run: FaultRun): Promise<FaultReport> {
  const folder = await temporaryFolder();
  const key = randomBytes(24).toString('hex');
  const server = createMortalServer(folder.path, {
    API_KEY: key,
    // A slow machine is no fault of the server's.
    INFERENCE_TIMEOUT: '30m',
    CHECK_ANSWERS: 'on',
    ...run.env,
  });
  const recorder = createRecorder(server, key);
  const closing = new AbortController();
  const clients = Promise.all(
    Array.from({ length: run.clients }, (_, n) =>
      runClient({ recorder, seed: run.seed * 1_000 + n, name: `c${n}`, signal: closing.signal }),
    ),
  );
  clients.catch(() => undefined);
  try {
    await interruptAll(run, server);
    await server.start();
    await sleep(AT_ONCE_MS);
    closing.abort();
    await clients;
    return await takeDown(run, server, recorder, folder.path, key);
  } finally {
    closing.abort();
    await server.end();
    await folder.remove();
  }
}

async function interruptAll({ seed, rounds, interrupt, killStarts }: FaultRun, server: MortalServer): Promise<void> {
  const random = createRandom(seed);
  for (let round = 0; round < rounds; round++) {
    let ready = false;
    while (!ready && random.next() < killStarts) ready = (await server.start(random.below(START_MS))) === 'ready';
    if (!ready) await server.start();
    await sleep(random.next() < 1 / 6 ? random.below(AT_ONCE_MS) : random.below(ROUND_MS));
    await interrupt(server);
  }
}

/** The server is up and its callers have gone. */
async function takeDown(
  run: FaultRun,
  server: MortalServer,
  { requests, reads, unexpected }: ReturnType<typeof createRecorder>,
  dataDir: string,
  key: string,
): Promise<FaultReport> {
  const { url } = await server.whenUp();
  const api = createApi(url, key);
  const store = await openLogOf(dataDir, run.env);
  const restless = await untilQuiet(api, url, store, QUIET_WITHIN_MS).then(
    () => [],
    (error: Error) => [`It did not come to rest: ${error.message}.`],
  );
  const log = await readLog(store);
  await store.close();
  const ids = log.filter(({ stream, revision }) => categoryOf(stream) === 'inference' && revision === 0);
  const now = Date.now();
  const seen = await collectReadModels(
    api,
    TENANT,
    ids.map(({ stream }) => subjectOf(stream)),
  );
  const stop = await server.stop();
  const stopFaults =
    stop.code === 0 && stop.milliseconds < STOP_WITHIN_MS
      ? []
      : [`The last stop ended with ${stop.code} after ${Math.round(stop.milliseconds)} ms.`];
  const models = { ...seen, documents: readDocuments(dataDir) };
  const viewer = { tenantId: TENANT, now };
  const readModels = readModelsOf({ eventStoreUrl: run.env?.['EVENTSTORE_URL'] }).map(({ name }) => name);
  const history: History = { requests, reads, happenings: server.happenings, log, models, readModels, viewer };
  const lines = [...unexpected, ...restless, ...stopFaults, describeViolations(checkHistory(history))].filter(Boolean);
  if (lines.length > 0) lines.push(`The history, seed ${run.seed}: ${await keep(history, server.printed(), run.seed)}`);
  return { history, faults: lines.join('\n') };
}

async function keep(history: History, printed: string, seed: number): Promise<string> {
  const path = join(tmpdir(), `defter-history-${seed}-${process.pid}-${Date.now()}.json`);
  await writeFile(path, printHistory(history, { printed }));
  return path;
}

/** For a line in the test's output: a run that did nothing proves nothing. */
export function summarize({ requests, reads, happenings, log }: History) {
  const outcomes = Map.groupBy(requests, ({ outcome }) => outcome.as);
  const of = (as: 'acknowledged' | 'unknown' | 'refused') => outcomes.get(as)?.length ?? 0;
  const ends = Map.groupBy(log, ({ type }) => type);
  const crashed = log.filter(
    ({ type, data }) => type === 'InferenceFailed' && (data as { code: string }).code === 'crashed',
  );
  return {
    acknowledged: of('acknowledged'),
    unknown: of('unknown'),
    refused: of('refused'),
    reads: reads.length,
    interruptions: happenings.filter(({ what }) => what !== 'ready').length - 1,
    events: log.length,
    completed: ends.get('InferenceCompleted')?.length ?? 0,
    cancelled: ends.get('InferenceCancelled')?.length ?? 0,
    failed: ends.get('InferenceFailed')?.length ?? 0,
    crashed: crashed.length,
  };
}
