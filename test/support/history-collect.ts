// What a server says of itself once it is quiet: every page of every list, every inference by id, the log and the read
// store as they are on the disk.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RecordedEvent } from '#events/envelope.ts';
import { categoryOf, subjectOf } from '#events/streams.ts';
import { parseConfig } from '#platform/config.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { createStderrLog } from '#platform/logging/stderr-log.ts';
import { openLog } from '#platform/platform.ts';
import { versionPrefix } from '#platform/projection/versions.ts';
import { putRevision, readStoreFile } from '#platform/read-store/sqlite-read-store-schema.ts';
import { eventLanguage } from '../../compose/event-language.ts';
import { everyReadModel } from '../../projectors/read-models.ts';
import type { Api } from './api-client.ts';
import { eventually } from './eventually.ts';
import { comparableState } from './history-past-checks.ts';
import type { ReadModels, Row, TenantThen } from './history.ts';

const PAGE = 1_000;
const AT_ONCE = 8;

/** Beside a running server, or without one. */
export function openLogOf(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<EventStore> {
  const result = parseConfig({ DATA_DIR: dataDir, ...env });
  if (!result.ok) throw new Error(result.faults.join(' '));
  return openLog(result.config, eventLanguage, createStderrLog());
}

export async function readLog(store: Pick<EventStore, 'readAll'>): Promise<RecordedEvent[]> {
  const log: RecordedEvent[] = [];
  for (;;) {
    const page = await store.readAll(log.at(-1)?.position ?? 0n, PAGE);
    log.push(...page);
    if (page.length < PAGE) return log;
  }
}

/** Inferences in the log that have no end yet. */
export function unendedOf(log: readonly RecordedEvent[]): string[] {
  const open = new Set<string>();
  for (const { stream, revision } of log) {
    if (categoryOf(stream) !== 'inference') continue;
    if (revision === 0) open.add(stream);
    else open.delete(stream);
  }
  return [...open];
}

/** Waits until every inference of the log has ended and no consumer lags; rejects, naming what still is to come. */
export async function untilQuiet(
  api: Api,
  url: string,
  log: Pick<EventStore, 'readAll'>,
  withinMs: number,
): Promise<void> {
  await eventually(async () => {
    const open = unendedOf(await readLog(log));
    if (open.length > 0) {
      // Wakes with its end, and does not weigh on the server until then.
      await api('GET', `/v1/inferences/${subjectOf(open[0] ?? '')}?wait=5s`);
      throw new Error(`${open.length} inferences have no end, such as ${open.slice(0, 5).join(', ')}`);
    }
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const lags = [...metrics.matchAll(/^defter_consumer_lag_events\{([^}]*)\} (\d+)/gm)].map(([, group, lag]) => ({
      group,
      lag,
    }));
    if (lags.length < 5) throw new Error(`only ${lags.length} consumers tell their lag`);
    const lagging = lags.filter(({ lag }) => lag !== '0');
    if (lagging.length > 0)
      throw new Error(`consumers lag: ${lagging.map(({ group, lag }) => `${group} by ${lag}`).join(', ')}`);
  }, withinMs);
}

export async function collectReadModels(
  api: Api,
  tenantId: string,
  inferenceIds: readonly string[],
): Promise<Omit<ReadModels, 'documents'>> {
  const list = (status?: string) =>
    pages(api, `/v1/inferences?limit=100${status === undefined ? '' : `&status=${status}`}`);
  const audit = await pages(api, '/v1/audit?limit=100');
  return {
    inferences: await byId(api, inferenceIds),
    lists: {
      all: await list(),
      queued: await list('queued'),
      completed: await list('completed'),
      failed: await list('failed'),
      cancelled: await list('cancelled'),
    },
    audit,
    asOf: await Promise.all(momentsIn(audit).map((position) => tenantAsOf(api, tenantId, position))),
    // When a key was used is kept beside the log.
    keys: (await pages(api, '/v1/api-keys?limit=100')).map((row) => ({ ...row, lastUsedAt: null })),
    models: (await api<{ data: Row[] }>('GET', '/v1/models')).body.data,
    tenants: await pages(api, '/v1/tenants?limit=100'),
  };
}

/** A few positions of the log: the last, and some before it. */
function momentsIn(audit: readonly Row[]): string[] {
  const places = [0, 0.25, 0.5, 0.75].map((part) => Math.floor(part * audit.length));
  return [...new Set(places)].flatMap((at) => (audit[at] ? [String(audit[at]['position'])] : []));
}

interface AsOf {
  readonly entities: readonly { stream: string; kind: string; revision: number; state: unknown }[];
  readonly next: string | null;
}

async function tenantAsOf(api: Api, tenantId: string, position: string): Promise<TenantThen> {
  const rows: Row[] = [];
  for (let after = ''; ;) {
    const path = `/v1/tenants/${tenantId}/as-of?at=${position}${after}`;
    const { status, body } = await api<AsOf>('GET', path);
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${JSON.stringify(body)}`);
    for (const { stream, kind, revision, state } of body.entities)
      rows.push({ stream, kind, revision, state: comparableState(state) });
    if (body.next === null) return { position, rows };
    after = `&after=${encodeURIComponent(body.next)}`;
  }
}

async function byId(api: Api, ids: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const answers = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => api<Row>('GET', `/v1/inferences/${id}`)));
    for (const { status, body } of answers) if (status === 200) rows.push(body);
  }
  return rows;
}

async function pages(api: Api, path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after = ''; ;) {
    const { status, body } = await api<{ data: Row[]; next: string | null }>('GET', `${path}${after}`);
    if (status !== 200) throw new Error(`${path} was answered ${status}: ${JSON.stringify(body)}`);
    rows.push(...body.data);
    if (body.next === null) return rows;
    after = `&after=${encodeURIComponent(body.next)}`;
  }
}

/** A document's key as its projection calls it; undefined for one of a version that is not read, or of no read model. */
export function documentKeyOf(key: string, live: (projection: string) => number): string | undefined {
  return everyReadModel.flatMap(({ name }) => {
    const prefix = versionPrefix(name, live(name));
    return key.startsWith(prefix) ? [key.slice(prefix.length)] : [];
  })[0];
}

const FIRST_VERSION = () => 1;

/** Of a folder that no server holds: all that projectors wrote, asked for or not. */
export function readDocuments(dataDir: string): ReadModels['documents'] {
  const db = new DatabaseSync(join(dataDir, readStoreFile), { readOnly: true });
  try {
    const rows = db.prepare('SELECT key, revision, value FROM document WHERE revision <> ?').all(putRevision);
    return rows.flatMap((row) => {
      const key = documentKeyOf(String(row['key']), FIRST_VERSION);
      if (key === undefined) return [];
      return [{ key, revision: Number(row['revision']), value: JSON.parse(String(row['value'])) as unknown }];
    });
  } finally {
    db.close();
  }
}
