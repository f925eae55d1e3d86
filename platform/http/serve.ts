// The listening socket: every time limit set in the open, and an end that loses no running request.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Log } from '../logging/log.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { stopWaiting } from './client-signal.ts';
import { isClosing } from './linger.ts';
import { finalError } from '../errors.ts';

export interface HttpServer {
  readonly port: number;
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** Accepts no more, lets running requests end for at most `graceMs`, then cuts them off. May be called twice. */
  close(graceMs: number): Promise<void>;
}

export interface HttpServerOptions {
  readonly app: { callback(): (req: IncomingMessage, res: ServerResponse) => unknown };
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Log;
  readonly limits?: Partial<typeof HTTP_LIMITS>;
}

/** Milliseconds, bytes and counts. */
export const HTTP_LIMITS = {
  /** For a request's headers to arrive. */
  headersTimeout: 15_000,
  /** For a whole request none: who reads a body bounds its time, and an upload may rightly take long. */
  requestTimeout: 0,
  /** Longer than the 60 s after which load balancers drop an idle connection, so that they end it, not we. */
  keepAliveTimeout: 75_000,
  maxHeaderSize: 16 * 1024,
  maxConnections: 10_000,
  connectionsCheckingInterval: 5_000,
};

/** The port could not be listened on; the message is a sentence for the operator. */
export class PortUnavailable extends finalError('port-unavailable') {}

export async function openHttpServer({ app, host, port, log, limits }: HttpServerOptions): Promise<HttpServer> {
  const { maxConnections, ...serverLimits } = { ...HTTP_LIMITS, ...limits };
  const running = new Set<ServerResponse>();
  let stopping = false;
  const handle = app.callback();
  const serve = (req: IncomingMessage, res: ServerResponse) => {
    if (isClosing(req.socket)) {
      // Pipelined behind an answer that ended the connection: the client will send it again, so it must not happen now.
      res.destroy();
      return;
    }
    running.add(res);
    res.once('close', () => {
      running.delete(res);
      // An answer that began before the stop could not announce that its connection ends: it is idle by the next round of the loop.
      if (stopping) setImmediate(() => server.closeIdleConnections());
    });
    if (stopping) {
      res.setHeader('connection', 'close');
      stopWaiting(res);
    }
    void handle(req, res);
  };
  const server = createServer({ ...serverLimits, keepAlive: true, noDelay: true }, serve);
  // The app tells the client to go on, once it knows that it wants the body.
  server.on('checkContinue', serve);
  // A client that has closed its sending half still reads; Node ends the connection behind the last answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  const runningOn = (socket: Socket) => [...running].filter(({ req }) => req.socket === socket);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.once('end', () => {
      // Or it has left: that looks the same. So nobody waits longer for it: each answers with what there is.
      for (const res of runningOn(socket)) stopWaiting(res);
    });
  });
  server.maxConnections = maxConnections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else answerBrokenRequest(error, socket, runningOn(socket));
  });
  server.on('drop', () => log.warn({ maxConnections }, 'a connection was refused: too many are open'));

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen({ host, port }, resolve);
  });
  server.on('error', (error) => log.error({ err: error }, 'the HTTP server met an error'));
  const address = server.address() as AddressInfo;

  let closed: Promise<void> | undefined;
  const close = async (graceMs: number) => {
    stopping = true;
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const res of running) {
      if (!res.headersSent) res.setHeader('connection', 'close');
      stopWaiting(res);
    }
    server.closeIdleConnections();
    // To Node one that has sent nothing, or half a head, is not idle.
    for (const socket of sockets) if (runningOn(socket).length === 0) socket.destroySoon();
    const timer = setTimeout(() => {
      log.warn(
        { running: running.size, graceMs },
        'requests still running at the end of the grace period were cut off',
      );
      server.closeAllConnections();
    }, graceMs);
    await ended;
    clearTimeout(timer);
  };
  return {
    port: address.port,
    url: `http://${urlHost(host, address)}:${address.port}`,
    close: (graceMs) => (closed ??= close(graceMs)),
  };
}

function urlHost(host: string, address: AddressInfo): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return address.family === 'IPv6' ? `[${address.address}]` : host;
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const causes: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} on ${host} is taken by another program: stop it, or set PORT to a free one.`,
    EACCES: `Port ${port} on ${host} may not be opened by this user: set PORT to one above 1023.`,
    EADDRNOTAVAIL: `This machine has no address ${host}: set HOST to one that it has, or to 127.0.0.1.`,
    ENOTFOUND: `The host name ${host} is not known: set HOST to an address of this machine, such as 127.0.0.1.`,
  };
  const sentence = causes[error.code ?? ''];
  return sentence === undefined ? error : new PortUnavailable(sentence, { cause: error });
}
