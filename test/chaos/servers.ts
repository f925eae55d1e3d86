// Servers of its own for a run, and a proxy between each of them and each of those who use it.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../services/free-port.ts';
import { startKafka } from '../services/kafka/recipe.ts';
import { recipes } from '../services/recipes.ts';
import type { RunningService } from '../services/service.ts';
import { SERVICE_VARIABLES } from '../services/service.ts';
import { serviceCache } from '../services/service-cache.ts';
import { openTcpProxy, type TcpProxy } from '../services/tcp-proxy.ts';
import { SERVERS, type ServerName } from './fault.ts';

export type Environment = Readonly<Record<string, string>>;

export interface ChaosServers {
  /** Past all proxies: for who judges. */
  readonly environment: Environment;
  /** What a user's process is to be started with: it reaches each server by a proxy of its own. */
  environmentOf(user: string): Environment;
  proxy(user: string, server: ServerName): TcpProxy;
  readonly users: readonly string[];
  readonly running: Readonly<Record<ServerName, RunningService>>;
  stop(): Promise<void>;
}

/** `folder` is for their data. */
export async function openChaosServers(folder: string, users: readonly string[]): Promise<ChaosServers> {
  const cache = serviceCache();
  const proxies = new Map<string, Readonly<Record<ServerName, TcpProxy>>>();
  for (const user of users) {
    const each = await Promise.all(SERVERS.map(async (server) => [server, await openTcpProxy()] as const));
    proxies.set(user, Object.fromEntries(each) as Record<ServerName, TcpProxy>);
  }
  const proxy = (user: string, server: ServerName) => {
    const found = proxies.get(user)?.[server];
    if (!found) throw new Error(`there is no proxy between ${user} and ${server}`);
    return found;
  };
  const doors = await Promise.all(
    users.map(async (user) => ({ user, port: await freePort(), advertised: proxy(user, 'kafka').port })),
  );

  const running: Partial<Record<ServerName, RunningService>> = {};
  const start = async (server: ServerName) => {
    const recipe = await recipes[server]?.();
    if (!recipe) throw new Error(`there is no recipe for ${server}`);
    await recipe.install(cache);
    const data = join(folder, server);
    await mkdir(data, { recursive: true });
    const options = { cache, folder: data };
    running[server] = await (server === 'kafka' ? startKafka({ ...options, doors }) : recipe.start(options));
  };
  const stop = async () => {
    await Promise.all([...proxies.values()].flatMap((each) => Object.values(each).map((one) => one.close())));
    await Promise.all(Object.values(running).map((one) => one.stop()));
  };
  const started = await Promise.allSettled(SERVERS.map(start));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }

  const all = running as Record<ServerName, RunningService>;
  const environment = Object.assign({}, ...Object.values(all).map((one) => one.environment)) as Record<string, string>;
  const variableOf = (server: ServerName) => environment[SERVICE_VARIABLES[server]] ?? '';
  const portOf = (server: ServerName) => Number(/127\.0\.0\.1:(\d+)/.exec(variableOf(server))?.[1]);
  for (const user of users) {
    for (const server of SERVERS) proxy(user, server).retarget(portOf(server));
  }
  for (const { user, port } of doors) proxy(user, 'kafka').retarget(port);

  return {
    environment,
    environmentOf(user) {
      const changed = SERVERS.map((server) => [
        SERVICE_VARIABLES[server],
        variableOf(server).replace(`:${portOf(server)}`, `:${proxy(user, server).port}`),
      ]);
      return { ...environment, ...(Object.fromEntries(changed) as Record<string, string>) };
    },
    proxy,
    users,
    running: all,
    stop,
  };
}
