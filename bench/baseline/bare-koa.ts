// Baseline: Koa that reads a JSON body and answers 202, and nothing else. Prints its port.

import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import Koa from 'koa';
import rawBody from 'raw-body';

const app = new Koa();
app.use(async (ctx) => {
  JSON.parse(await rawBody(ctx.req, { limit: '2mb', encoding: 'utf8' }));
  ctx.status = 202;
  ctx.body = { id: randomUUID(), status: 'queued' };
});
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`);
});
process.on('SIGTERM', () => process.exit(0));
