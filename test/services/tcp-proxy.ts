// Between clients and a server, whatever they speak: passes bytes on, or does to them what networks do. It listens on one
// port for as long as it lives, so a server that comes back elsewhere is found again by `retarget`.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TcpProxy {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** Connections from now on lead to this port of 127.0.0.1. */
  retarget(port: number): void;
  /** Breaks every connection now, without a word (RST). Answers how many there were. */
  cut(): number;
  /** Breaks every connection and refuses new ones, until `heal`. */
  refuse(): void;
  /** Each chunk, either way, waits for so many milliseconds, until `heal`: late, and little at a time. */
  slow(milliseconds: number): void;
  /** Connections stand, new ones too, but nothing passes, either way, until `heal`: a network that swallows all. */
  stall(): void;
  /** What clients say is changed on its way, chunk by chunk, until `heal`. */
  alter(change: (chunk: Buffer) => Buffer): void;
  /** Ends whatever is wrong; what was held back goes on its way. */
  heal(): void;
  close(): Promise<void>;
}

export async function openTcpProxy(target = 0): Promise<TcpProxy> {
  let to = target;
  let delayMs = 0;
  let refuses = false;
  let change: ((chunk: Buffer) => Buffer) | undefined;
  /** While nothing passes; resolves when it does again. */
  let stalled: PromiseWithResolvers<void> | undefined;
  const flows = async () => {
    for (let held = stalled; held; held = stalled) await held.promise;
  };
  const sockets = new Set<Socket>();

  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // What went wrong is told by the end of the connection, which is passed on.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };

  async function pass(from: Socket, into: Socket, isFromClient: boolean): Promise<void> {
    try {
      for await (const chunk of from) {
        if (delayMs > 0) await sleep(delayMs);
        await flows();
        if (into.destroyed) break;
        const said = isFromClient && change ? change(chunk as Buffer) : (chunk as Buffer);
        if (!into.write(said)) await Promise.race([once(into, 'drain'), once(into, 'close')]);
      }
      await flows();
      into.end();
    } catch {
      // A broken connection: so is its other half.
      into.resetAndDestroy();
    }
  }

  const server = createServer({ allowHalfOpen: true }, (client) => {
    keep(client);
    if (refuses || to === 0) return void client.resetAndDestroy();
    const upstream = keep(connect({ host: '127.0.0.1', port: to, allowHalfOpen: true }));
    upstream.once('error', () => client.resetAndDestroy());
    void pass(client, upstream, true);
    void pass(upstream, client, false);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = () => {
    const open = [...sockets];
    for (const socket of open) socket.resetAndDestroy();
    return open.length / 2;
  };
  const heal = () => {
    refuses = false;
    change = undefined;
    delayMs = 0;
    stalled?.resolve();
    stalled = undefined;
  };
  return {
    port: (server.address() as AddressInfo).port,
    retarget: (port) => void (to = port),
    cut,
    refuse() {
      refuses = true;
      cut();
    },
    slow: (milliseconds) => void (delayMs = milliseconds),
    stall: () => void (stalled ??= Promise.withResolvers()),
    alter: (by) => void (change = by),
    heal,
    async close() {
      server.close();
      cut();
      heal();
      await once(server, 'close');
    },
  };
}
