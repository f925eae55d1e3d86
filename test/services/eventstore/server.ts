// A stand-in for EventStoreDB: speaks its wire protocol in front of the embedded store, so it is durable and can be
// killed like a real one. `node server.ts '<JSON of StandInOptions>'`; runs until SIGTERM.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import { createAccess } from './access.ts';
import { createControlServer } from './control.ts';
import { createFaultPlan } from './fault-plan.ts';
import { createGossipService } from './gossip-service.ts';
import { openStandInLog } from './log.ts';
import type { StandIn } from './stand-in.ts';
import { createStreamsService, streamsDefinition } from './streams-service.ts';

export interface StandInOptions {
  readonly folder: string;
  /** On 127.0.0.1, like the control port. */
  readonly port: number;
  readonly faultsPort: number;
  /** Who may call; anyone when absent. Clients send credentials over TLS alone. */
  readonly user?: string;
  readonly password?: string;
  /** PEM. */
  readonly tls?: { readonly key: string; readonly certificate: string };
  /** Bytes; default 1 MiB, like the real one. */
  readonly maxAppendSize?: number;
}

const options = JSON.parse(process.argv[2] ?? '{}') as StandInOptions;
const log = await openStandInLog(options.folder);
const sockets = new Set<Socket>();
const plan = createFaultPlan();
const cutConnections = () => {
  for (const socket of sockets) socket.destroy();
};
const standIn: StandIn = {
  log,
  plan,
  access: createAccess(options.user, options.password),
  maxAppendSize: options.maxAppendSize ?? 1_048_576,
  counts: { append: 0, batchAppend: 0, read: 0, subscribe: 0 },
  subscriptions: new Set(),
  cutConnections,
};

const server = new Server({ 'grpc.max_receive_message_length': 17 * 1_048_576 });
server.addService(streamsDefinition, createStreamsService(standIn));
server.addService(GossipService, createGossipService(options.tls ? 'localhost' : '127.0.0.1', options.port));
server.addService(ServerFeaturesService, {
  getSupportedMethods(_: unknown, answer: (error: null, value: unknown) => void) {
    answer(null, supportedMethods());
  },
});
// The connections come through a listener of our own, so that they can be cut.
const injector = server.createConnectionInjector(credentials());
const listener = createServer((socket) => {
  sockets.add(socket);
  socket.setNoDelay(true);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => socket.destroy());
  injector.injectConnection(socket);
}).listen(options.port, '127.0.0.1');
await once(listener, 'listening');

const control = createControlServer({
  plan,
  counts: () => ({ ...standIn.counts, faults: plan.shown }),
  cutSubscriptions(how) {
    const open = [...standIn.subscriptions];
    standIn.subscriptions.clear();
    for (const cut of open) cut(how);
    return open.length;
  },
  cutConnections,
  writeSystemEvents: (count) => log.writeSystemEvents(count),
}).listen(options.faultsPort, '127.0.0.1');
await once(control, 'listening');

await once(process, 'SIGTERM');
control.close();
control.closeAllConnections();
listener.close();
cutConnections();
server.forceShutdown();
await log.close();
process.exit(0);

function credentials(): ServerCredentials {
  if (!options.tls) return ServerCredentials.createInsecure();
  const { key, certificate } = options.tls;
  return ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) }]);
}

function supportedMethods() {
  const methods = new features.SupportedMethods().setEventStoreServerVersion('24.10.0.0');
  for (const name of ['read', 'append', 'batchappend']) {
    const method = new features.SupportedMethod().setServiceName('event_store.client.streams.streams');
    methods.addMethods(method.setMethodName(name));
  }
  return methods;
}
