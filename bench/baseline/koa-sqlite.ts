// Baseline: Koa that answers 202 once the body is in node:sqlite, with the durability of Defter's log (WAL, FULL), group
// committed on a thread of its own. No validation, no authentication, no reader. Arguments: the folder. Prints its port.

import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import Koa from 'koa';
import rawBody from 'raw-body';

type Row = readonly [number: number, id: string, body: string];

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: process.argv[2] });
  const waiting = new Map<number, () => void>();
  let rows: Row[] = [];
  let last = 0;
  const flush = () => {
    worker.postMessage(rows);
    rows = [];
  };
  const insert = (id: string, body: string) =>
    new Promise<void>((resolve) => {
      const number = ++last;
      waiting.set(number, resolve);
      if (rows.push([number, id, body]) === 1) setImmediate(flush);
    });
  worker.on('message', (numbers: number[]) => {
    for (const number of numbers) {
      waiting.get(number)?.();
      waiting.delete(number);
    }
  });
  const app = new Koa();
  app.use(async (ctx) => {
    const body = await rawBody(ctx.req, { limit: '2mb', encoding: 'utf8' });
    JSON.parse(body);
    const id = randomUUID();
    await insert(id, body);
    ctx.status = 202;
    ctx.body = { id, status: 'queued' };
  });
  const server = app.listen(0, '127.0.0.1', () => {
    console.log(`listening ${(server.address() as AddressInfo).port}`);
  });
  process.on('SIGTERM', () => process.exit(0));
} else {
  const database = new DatabaseSync(join(workerData as string, 'baseline.sqlite'));
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
  database.exec('CREATE TABLE rows (position INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT)');
  const insert = database.prepare('INSERT INTO rows (id, body) VALUES (?, ?)');
  parentPort?.on('message', (rows: Row[]) => {
    database.exec('BEGIN IMMEDIATE');
    for (const [, id, body] of rows) insert.run(id, body);
    database.exec('COMMIT');
    parentPort?.postMessage(rows.map(([number]) => number));
  });
}
