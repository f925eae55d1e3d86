// EventStoreDB cannot be had from a package registry, so what runs here is a stand-in (server.ts). Against a real one the
// same suites run where EVENTSTORE_URL names it: `docker run --rm -p 2113:2113 eventstore/eventstore:24.10 --insecure`.

import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { openServerProcess } from '../server-process.ts';
import type { RunningService, ServiceRecipe } from '../service.ts';
import type { StandInOptions } from './server.ts';

/** Besides the folder and the ports, which are chosen here. */
export type StandInSettings = Omit<StandInOptions, 'folder' | 'port' | 'faultsPort'> & {
  /** Default a free one. */
  readonly port?: number;
};

const program = fileURLToPath(new URL('./server.ts', import.meta.url));

export const eventStoreRecipe: ServiceRecipe = {
  name: 'eventstore',
  async install() {},
  start: ({ folder }) => startEventStoreStandIn(folder),
};

/** Its data and its log are in `folder`. */
export async function startEventStoreStandIn(folder: string, settings: StandInSettings = {}): Promise<RunningService> {
  const port = settings.port ?? (await freePort());
  const faultsPort = await freePort();
  const faultsUrl = `http://127.0.0.1:${faultsPort}`;
  const options: StandInOptions = { ...settings, folder: join(folder, 'log'), port, faultsPort };
  const server = await openServerProcess({
    command: process.execPath,
    args: [program, JSON.stringify(options)],
    logFile: join(folder, 'eventstore.log'),
    answers: async () => (await fetch(`${faultsUrl}/counts`)).ok,
  });
  const address = settings.tls ? `localhost:${port}?tls=true` : `127.0.0.1:${port}?tls=false`;
  return {
    name: 'eventstore',
    environment: { EVENTSTORE_URL: `esdb://${address}`, EVENTSTORE_FAULTS_URL: faultsUrl },
    kill9: () => server.kill9(),
    restart: () => server.restart(),
    stop: () => server.stop(),
  };
}
