// The process's connection to EventStoreDB: one client at a time, with what the client leaves open closed.
//
// - Appends never go through the client's own `appendToStream`. Its BatchAppend keeps what waits in one table for all
//   clients of the process: a transport error of one rejects the others' appends although they were stored, and a late
//   response to one of those throws inside a listener, which ends the process. Here each append is a call of its own
//   (eventstore-append-call.ts) over the client's generated stubs, with a deadline of its own.
// - The client mends itself in the background (`handleError`) and nobody waits for it: a failure there would be an
//   unhandled rejection. It is caught and logged.
// - gRPC keeps a lost server's back-off (up to two minutes) in a pool shared by all channels with the same options, so a
//   new channel alone waits on. After a failure the next client differs in its keep-alive by a millisecond, and so
//   connects at once.

import { readFileSync } from 'node:fs';
import { type BaseOptions, type ChannelCredentialOptions, EventStoreDBClient } from '@eventstore/db-client';
import type { CallOptions, Channel, Client as GrpcClient, Metadata } from '@grpc/grpc-js';
import { atMost } from '../patience/within.ts';
import { type EventStoreAddress, printServers } from '../config/event-store-url.ts';
import { codeOf, StartError } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { commandError, connectionFault } from './eventstore-errors.ts';

/** What the client keeps for its own methods; the version of the package is pinned. */
export interface ClientInternals {
  execute<Stub extends GrpcClient, T>(
    stub: new (...parts: never[]) => Stub,
    name: string,
    action: (stub: Stub) => Promise<T>,
  ): Promise<T>;
  callArguments(options: BaseOptions, call?: CallOptions): [Metadata, CallOptions];
  GRPCStreamCreator<Stub extends GrpcClient, T>(
    stub: new (...parts: never[]) => Stub,
    name: string,
    creator: (stub: Stub) => T,
  ): () => Promise<T>;
  handleError(stub: GrpcClient, error: Error): Promise<void>;
  getChannel(): Promise<Channel>;
}

export interface EventStoreConnection {
  /** For logs and messages: without credentials. */
  readonly server: string;
  /** The client to use now; ask again for each call. */
  client(): EventStoreDBClient;
  /** Tells of a failed call, so that the next may have a new connection if this one is at fault. */
  failed(client: EventStoreDBClient, error: Error): void;
  close(): Promise<void>;
}

const keepAliveTimeoutMs = 10_000;
const renewEveryMs = { lost: 250, late: 2_000 };
const closeWithinMs = 1_000;

export const internalsOf = (client: EventStoreDBClient): ClientInternals => client as unknown as ClientInternals;

/** Connects when first used. Throws `StartError` for a certificate that cannot be read. */
export function openEventStoreConnection(address: EventStoreAddress, log: Log): EventStoreConnection {
  const server = printServers(address);
  const certificates = readCertificates(address);
  let incarnation = 0;
  let renewedAt = performance.now();
  let current = createClient(address, certificates, incarnation, log);

  return {
    server,
    client: () => current,
    failed(client, error) {
      const now = performance.now();
      const fault = connectionFault(error);
      if (client !== current || !fault || now - renewedAt < renewEveryMs[fault]) return;
      incarnation += 1;
      renewedAt = now;
      current = createClient(address, certificates, incarnation, log);
      void closeChannel(client, log);
    },
    async close() {
      await atMost(closeWithinMs, current.dispose());
      await closeChannel(current, log);
    },
  };
}

/** Read once: a client that is made later must not fail for a file that has gone. */
function readCertificates({ options }: EventStoreAddress): ChannelCredentialOptions {
  const { tls = true, tlsCAFile, userCertFile, userKeyFile } = options;
  if (!tls) return { insecure: true };
  return {
    ...(tlsCAFile !== undefined && { rootCertificate: readNamed('tlsCAFile', tlsCAFile) }),
    ...(userCertFile !== undefined && { userCertFile: readNamed('userCertFile', userCertFile) }),
    ...(userKeyFile !== undefined && { userKeyFile: readNamed('userKeyFile', userKeyFile) }),
  };
}

function readNamed(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new StartError(
      `EVENTSTORE_URL names the ${option} ${file}, which cannot be read (${codeOf(error) ?? 'unknown error'}).`,
      'bad-configuration',
    );
  }
}

function createClient(
  address: EventStoreAddress,
  certificates: ChannelCredentialOptions,
  incarnation: number,
  log: Log,
): EventStoreDBClient {
  const { discover, hosts, credentials, options } = address;
  const { keepAliveTimeout = keepAliveTimeoutMs, ...others } = options;
  const settings = { ...others, keepAliveTimeout: keepAliveTimeout + (incarnation % 1_000) };
  const [host] = hosts;
  if (!host) throw new TypeError('an address of EventStoreDB names no host');
  const client = discover
    ? new EventStoreDBClient({ ...settings, discover: host }, certificates, credentials)
    : hosts.length > 1
      ? new EventStoreDBClient({ ...settings, endpoints: [...hosts] }, certificates, credentials)
      : new EventStoreDBClient({ ...settings, endpoint: host }, certificates, credentials);
  const internals = internalsOf(client);
  const mend = internals.handleError.bind(client);
  internals.handleError = async (stub, error) => {
    try {
      await mend(stub, commandError(error));
    } catch (err) {
      log.warn({ err, server: printServers(address) }, 'The client of EventStoreDB could not mend its connection.');
    }
  };
  return client;
}

/** Calls under way on it go on; those that live on (subscriptions) end when they fail. */
async function closeChannel(client: EventStoreDBClient, log: Log): Promise<void> {
  try {
    (await internalsOf(client).getChannel()).close();
  } catch (err) {
    log.debug({ err }, 'There was no connection to EventStoreDB to close.');
  }
}
