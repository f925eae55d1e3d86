// Defter with every service its own process, over the servers that the environment names and an event store of its own,
// behind a gateway. Each has a namespace of its own, so that many share the servers.

import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { allServices } from '../../compose/services.ts';
import { eventStoreRecipe } from '../services/eventstore/recipe.ts';
import type { RunningService } from '../services/service.ts';
import { serviceCache } from '../services/service-cache.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { runMigrate, type StartedService, startService } from './start-service.ts';

export const SHARED_SERVICES = ['kafka', 'schema-registry', 'redis', 'elasticsearch', 's3'] as const;

export const ALL_SERVICES = allServices.map(({ name }) => name);

export interface DistributedDefter {
  readonly url: string;
  readonly key: string;
  /** What every process was started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly eventStore: RunningService;
  /** The folder of the event store's own log. */
  readonly logDir: string;
  /** Where mails lie. */
  readonly outbox: string;
  readonly services: ReadonlyMap<string, StartedService>;
  /** Kills a service if it runs, and starts it anew. */
  restart(name: string): Promise<void>;
  printed(): string;
  /** SIGTERM to all services; answers their exit codes by name. */
  stop(): Promise<ReadonlyMap<string, number | null>>;
}

/** `folder` is for the event store's data. `services` are the variables of the shared servers. */
export async function startDistributed(
  folder: string,
  services: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<DistributedDefter> {
  const [data, files] = [join(folder, 'eventstore'), join(folder, 'files')];
  await mkdir(data, { recursive: true });
  const cache = serviceCache();
  await eventStoreRecipe.install(cache);
  const eventStore = await eventStoreRecipe.start({ cache, folder: data });
  const namespace = `t-${randomBytes(6).toString('hex')}`;
  const key = env['API_KEY'] ?? randomBytes(24).toString('hex');
  const all: Record<string, string> = {
    ...services,
    ...eventStore.environment,
    DATA_DIR: files,
    NAMESPACE: namespace,
    S3_BUCKET: `${namespace}-blobs`,
    S3_VAULT_BUCKET: `${namespace}-vault`,
    MASTER_KEY: randomBytes(32).toString('hex'),
    API_KEY: key,
    PARTITIONS: '3',
    ...env,
  };
  const running = new Map<string, StartedService>();
  let gateway: Gateway | undefined;
  const printed = () => [...running.values()].map((one) => `--- ${one.name}\n${one.printed()}`).join('\n');
  const stop = async () => {
    const codes = await Promise.all([...running].map(async ([name, one]) => [name, await one.stop()] as const));
    await gateway?.close();
    await eventStore.stop();
    return new Map(codes);
  };
  try {
    await runMigrate(all);
    await Promise.all(
      ALL_SERVICES.map(async (name) => {
        running.set(name, await startService(name, all));
      }),
    );
    gateway = await openGateway(() => ({
      commands: running.get('command-api')?.url ?? '',
      queries: running.get('query-api')?.url ?? '',
      operations: [...running.values()].map(({ opsUrl }) => opsUrl),
    }));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: gateway.url,
    key,
    env: all,
    eventStore,
    logDir: join(data, 'log'),
    outbox: join(files, 'outbox'),
    services: running,
    async restart(name) {
      await running.get(name)?.kill9();
      running.set(name, await startService(name, all));
    },
    printed,
    stop,
  };
}
