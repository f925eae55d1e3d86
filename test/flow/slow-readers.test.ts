// Clients that open streams and do not read them cost nobody else anything.

import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { describeFlow } from './with-defter.ts';

const CLIENTS = 600;
/** The default of MAX_STREAMS_PER_CALLER. */
const OF_ONE_CALLER = 200;
const PIECES_EVERY_MS = 50;
const PIECES = 10;

/** Writes two hundred tokens a second, to whoever asks, as long as it is asked. */
const talk = () =>
  createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const choices = [{ index: 0, delta: { content: 'and so on ' }, finish_reason: null }];
    const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'talk', choices };
    const piece = `data: ${JSON.stringify(chunk)}\n\n`;
    const talking = setInterval(() => response.write(piece.repeat(PIECES)), PIECES_EVERY_MS);
    response.on('close', () => clearInterval(talking));
  });

/** Milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

describeFlow(
  'six hundred clients that never read',
  (flow) => {
    let upstream: Server;
    const sockets: Socket[] = [];
    before(async () => {
      upstream = talk();
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    });
    after(() => {
      for (const socket of sockets) socket.destroy();
      upstream.closeAllConnections();
      upstream.close();
    });

    it('are let in up to a bound, and keep no other tenant waiting', async function () {
      this.timeout(120_000);
      const { url, newTenant } = flow();
      const [deaf, other] = [await newTenant('Deaf'), await newTenant('Other')];
      const source = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
      const model = await deaf.api('PUT', '/v1/models/talk', { body: { runtime: 'openai', source } });
      expect(model.status).to.equal(201);
      const { body } = await deaf.api<{ id: string }>('POST', '/v1/inferences', {
        body: { model: 'talk', messages: [{ role: 'user', content: 'Go on.' }] },
      });
      await eventually(async () => {
        const { status } = (await deaf.api<{ status: string }>('GET', `/v1/inferences/${body.id}`)).body;
        expect(status).to.equal('running');
      }, 30_000);

      const statuses: string[] = [];
      const { hostname, port } = new URL(url);
      const head = `GET /v1/inferences/${body.id}/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${deaf.key}\r\n\r\n`;
      for (let n = 0; n < CLIENTS; n++) {
        const socket = connect(Number(port), hostname);
        sockets.push(socket);
        socket.on('error', () => undefined);
        socket.once('data', (first: Buffer) => {
          statuses.push(first.toString('latin1').slice(9, 12));
          socket.pause();
        });
        socket.write(head);
      }
      const waits: number[] = [];
      const look = async () => {
        waits.push(await timed(async () => expect((await other.api('GET', '/v1/models')).status).to.equal(200)));
        waits.push(await timed(async () => expect((await fetch(`${url}/openapi.json`)).status).to.equal(200)));
      };
      while (statuses.length < CLIENTS) await look();
      const until = performance.now() + 5_000;
      while (performance.now() < until) await look();

      expect(statuses.filter((status) => status === '200')).to.have.length(OF_ONE_CALLER);
      expect(statuses.filter((status) => status === '429')).to.have.length(CLIENTS - OF_ONE_CALLER);
      const sorted = waits.toSorted((a, b) => a - b);
      expect(sorted[Math.floor(sorted.length / 2)], 'half of them').to.be.below(250);
      expect(sorted.at(-1), 'the longest').to.be.below(5_000);
    });
  },
  { env: { ALLOW_PRIVATE_UPSTREAMS: 'on' }, anyBus: true },
);
