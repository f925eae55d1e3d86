// The faults are over and the callers have gone: waits until nothing is left to do, and takes down what there is.

import { setTimeout as sleep } from 'node:timers/promises';
import type { DeadLetterView } from '#contracts/operations.ts';
import { projections } from '#events/projection.ts';
import { categoryOf, subjectOf } from '#events/streams.ts';
import { nameOfGroup } from '#platform/bus/dead-letter-rows.ts';
import { type Api, createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import {
  configOf,
  liveVersionsOf,
  openStores,
  readAllDocuments,
  readAllRelayed,
  readAllRows,
} from '../support/history-collect-servers.ts';
import { collectReadModels, readLog, unendedOf } from '../support/history-collect.ts';
import type { Recorder } from '../support/history-recorder.ts';
import type { Happening, History, RetriedLetter } from '../support/history.ts';
import { everyReadModel } from '../../projectors/read-models.ts';
import type { Installation } from './installation.ts';

const TENANT = 'default';
const LOOK_EVERY_MS = 500;

export interface AtRest {
  readonly history: History;
  /** What kept it from rest, a sentence each. */
  readonly faults: readonly string[];
}

export async function comeToRest(
  installation: Installation,
  { requests, reads, ...recorder }: Recorder,
  happenings: readonly Happening[],
  withinMs: number,
): Promise<AtRest> {
  const api = createApi(installation.url, installation.key);
  const config = configOf(installation.environment);
  const stores = await openStores(config);
  const faults: string[] = [];
  const quiet = () =>
    untilQuiet(installation, stores.store, withinMs).catch(
      (error: Error) => void faults.push(`It did not come to rest: ${error.message}.`),
    );
  try {
    await quiet();
    const letters = await retryLetters(api, { ...recorder, requests, reads }, withinMs);
    if (letters.length > 0) await quiet();
    const log = await readLog(stores.store);
    const live = liveVersionsOf(log);
    const ids = log.filter(({ stream, revision }) => categoryOf(stream) === 'inference' && revision === 0);
    const viewer = { tenantId: TENANT, now: Date.now() };
    // What is stored first: to read the audit is an event itself.
    const documents = await readAllDocuments(stores.readStore, live);
    const rows = await readAllRows(stores.searchIndex, live);
    const relayed = await readAllRelayed(config);
    const shown = await collectReadModels(
      api,
      TENANT,
      ids.map(({ stream }) => subjectOf(stream)),
    );
    const models = { ...shown, documents, rows };
    const readModels = everyReadModel.map(({ name }) => name);
    return { history: { requests, reads, happenings, log, models, relayed, letters, readModels, viewer }, faults };
  } finally {
    await stores.close();
  }
}

/** Every service is ready, every inference has ended, and no consumer lags. */
async function untilQuiet(
  installation: Installation,
  store: Awaited<ReturnType<typeof openStores>>['store'],
  withinMs: number,
): Promise<void> {
  await eventually(async () => {
    try {
      const unready = await installation.notReady();
      if (unready.length > 0) throw new Error(unready.join('; '));
      const open = unendedOf(await readLog(store));
      if (open.length > 0)
        throw new Error(`${open.length} inferences have no end, such as ${open.slice(0, 5).join(', ')}`);
      const lagging = (await lagsOf(installation)).filter(({ lag }) => lag !== 0);
      if (lagging.length > 0)
        throw new Error(
          `consumers lag: ${lagging.map(({ service, group, lag }) => `${group} of ${service} by ${lag}`).join(', ')}`,
        );
    } catch (error) {
      // Looking is not free for those that are looked at.
      await sleep(LOOK_EVERY_MS);
      throw error;
    }
  }, withinMs);
}

async function lagsOf({ services }: Installation) {
  const all = [...services.values()].map(async (one) => {
    const url = one.running()?.opsUrl;
    if (url === undefined) return [];
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return [...metrics.matchAll(/^defter_consumer_lag_events\{([^}]*)\} (\d+)/gm)].map(([, group = '', lag]) => ({
      service: one.name,
      group,
      lag: Number(lag),
    }));
  });
  return (await Promise.all(all)).flat();
}

/** I7: what groups have set aside is tried again; what stands after that is told. */
async function retryLetters(api: Api, recorder: Recorder, withinMs: number): Promise<RetriedLetter[]> {
  const list = async () => {
    const { status, body } = await api<{ data: DeadLetterView[] }>('GET', '/v1/dead-letters?limit=100');
    if (status !== 200) throw new Error(`the dead letters were answered ${status}: ${JSON.stringify(body)}`);
    return body.data;
  };
  const letters = await list();
  for (const { id, group } of letters) {
    await recorder.send({
      command: `retry ${id}`,
      what: 'retry of a dead letter',
      claim: { type: 'DeadLetterRetried', where: {} },
      mayChangeNothing: true,
      method: 'POST',
      path: `/v1/dead-letters/${id}/retry`,
      idempotencyKey: `retry ${id}`,
      stream: () => projections.stream(nameOfGroup(group)),
    });
  }
  if (letters.length > 0) {
    const allGone = async () => {
      if ((await list()).length === 0) return;
      await sleep(LOOK_EVERY_MS);
      throw new Error('dead letters stand');
    };
    // Which ones stand is told of each below.
    await eventually(allGone, withinMs).catch(() => undefined);
  }
  const standing = new Set((await list()).map(({ id }) => id));
  return letters.map(({ id, group, stream, error }) => ({ group, stream, error, stands: standing.has(id) }));
}
