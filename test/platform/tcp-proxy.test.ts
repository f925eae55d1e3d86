import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { openTcpProxy, type TcpProxy } from '../services/tcp-proxy.ts';
import { eventually } from '../support/eventually.ts';

/** Answers each chunk with its name and the chunk. */
async function openEcho(name: string): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => socket.write(`${name}:${chunk.toString()}`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function open(port: number) {
  const socket = connect({ host: '127.0.0.1', port });
  let read = '';
  let ended = false;
  socket.on('error', () => undefined).on('close', () => (ended = true));
  socket.setEncoding('utf8').on('data', (text: string) => (read += text));
  return {
    say: (text: string) => socket.write(text),
    read: () => read,
    ended: () => ended,
    close: () => socket.destroy(),
  };
}

describe('the proxy that tests put before a server', () => {
  let echo: Awaited<ReturnType<typeof openEcho>>;
  let proxy: TcpProxy;
  const clients: { close(): void }[] = [];
  const client = () => {
    const one = open(proxy.port);
    clients.push(one);
    return one;
  };
  const expectRead = (one: ReturnType<typeof open>, text: string) =>
    eventually(() => expect(one.read()).to.equal(text));

  beforeEach(async () => {
    echo = await openEcho('a');
    proxy = await openTcpProxy(echo.port);
  });
  afterEach(async () => {
    for (const one of clients.splice(0)) one.close();
    await proxy.close();
    await echo.close();
  });

  it('passes bytes on, both ways', async () => {
    const one = client();
    one.say('hello');
    await expectRead(one, 'a:hello');
  });

  it('cuts what is open, and lets new connections in', async () => {
    const one = client();
    one.say('x');
    await expectRead(one, 'a:x');
    expect(proxy.cut()).to.equal(1);
    await eventually(() => expect(one.ended()).to.equal(true));
    const other = client();
    other.say('y');
    await expectRead(other, 'a:y');
  });

  it('refuses until it is healed', async () => {
    proxy.refuse();
    const refused = client();
    await eventually(() => expect(refused.ended()).to.equal(true));
    proxy.heal();
    const one = client();
    one.say('x');
    await expectRead(one, 'a:x');
  });

  it('holds everything back while it stalls, and loses nothing of it', async () => {
    const one = client();
    one.say('x');
    await expectRead(one, 'a:x');
    proxy.stall();
    const late = client();
    one.say('y');
    late.say('z');
    const direct = open(echo.port);
    clients.push(direct);
    direct.say('probe');
    await expectRead(direct, 'a:probe');
    expect([one.read(), one.ended(), late.read(), late.ended()]).to.deep.equal(['a:x', false, '', false]);
    proxy.heal();
    await expectRead(one, 'a:xa:y');
    await expectRead(late, 'a:z');
  });

  it('is slow both ways', async () => {
    proxy.slow(60);
    const one = client();
    const began = performance.now();
    one.say('x');
    await expectRead(one, 'a:x');
    expect(performance.now() - began).to.be.at.least(115);
  });

  it('changes what clients say until it is healed', async () => {
    proxy.alter((chunk) => Buffer.from(chunk.toString().toUpperCase()));
    const one = client();
    one.say('x');
    await expectRead(one, 'a:X');
    proxy.heal();
    one.say('y');
    await expectRead(one, 'a:Xa:y');
  });

  it('leads elsewhere when it is told to', async () => {
    const other = await openEcho('b');
    try {
      proxy.retarget(other.port);
      const one = client();
      one.say('x');
      await expectRead(one, 'b:x');
      one.close();
    } finally {
      proxy.cut();
      await other.close();
    }
  });

  it('ends a connection when the server is gone', async () => {
    proxy.retarget(1);
    const one = client();
    await eventually(() => expect(one.ended()).to.equal(true));
  });
});
