// Defter as it is deployed: each service in processes of its own, several of each, behind a gateway, on servers of its own.

import { randomBytes } from 'node:crypto';
import { allServices } from '../../compose/services.ts';
import { eventually } from '../support/eventually.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';
import { runMigrate } from '../support/start-service.ts';
import { createMortalService, type MortalService } from './mortal-service.ts';
import { type ChaosServers, type Environment, openChaosServers } from './servers.ts';

export interface Installation {
  /** Of the gateway: it always answers. */
  readonly url: string;
  readonly key: string;
  /** Past all proxies. */
  readonly environment: Environment;
  readonly servers: ChaosServers;
  readonly services: ReadonlyMap<string, MortalService>;
  /** A sentence for each service that is not ready now. */
  notReady(): Promise<string[]>;
  /** SIGTERM to all services. */
  stopServices(): Promise<void>;
  /** Ends whatever runs. */
  close(): Promise<void>;
}

/** How many of each service a run has. */
export const TWO_OF_EACH: Readonly<Record<string, number>> = Object.fromEntries(
  allServices.map(({ name }) => [name, 2]),
);

const NOBODY = 'http://127.0.0.1:1';
const STARTS_AT_ONCE = 3;
const READY_ANSWER_MS = 5_000;
const READY_WITHIN_MS = 60_000;

/** `copies`: how many of each service. */
export async function openInstallation(
  folder: string,
  copies: Readonly<Record<string, number>>,
  say: (what: string) => void,
): Promise<Installation> {
  const names = Object.entries(copies).flatMap(([service, count]) =>
    Array.from({ length: count }, (_, n) => `${service}/${n + 1}`),
  );
  const servers = await openChaosServers(folder, names);
  say('the servers are up');
  const key = randomBytes(24).toString('hex');
  const own: Environment = {
    NAMESPACE: 'chaos',
    MASTER_KEY: randomBytes(32).toString('hex'),
    API_KEY: key,
    PARTITIONS: '3',
    CHECK_ANSWERS: 'on',
    // A slow machine is no fault of the server's.
    INFERENCE_TIMEOUT: '30m',
  };
  const environment = { ...servers.environment, ...own };
  const services = new Map<string, MortalService>();
  let gateway: Gateway | undefined;

  const notReady = async () => {
    const asked = await Promise.all([...services.values()].map(readinessOf));
    return asked.filter((sentence) => sentence !== undefined);
  };
  const close = async () => {
    await Promise.all([...services.values()].map((one) => one.kill9()));
    await gateway?.close();
    await servers.stop();
  };
  try {
    await runMigrate(environment);
    say('migrated');
    for (const name of names) {
      services.set(name, createMortalService(name, { ...environment, ...servers.environmentOf(name) }));
    }
    // A few at a time: all at once keep each other from it.
    const waiting = [...services.values()];
    const startThem = async () => {
      for (let one = waiting.shift(); one; one = waiting.shift()) await one.start();
    };
    await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startThem));
    say('the services are up');
    await eventually(async () => {
      const sentences = await notReady();
      if (sentences.length > 0) throw new Error(sentences.join('; '));
    }, READY_WITHIN_MS);
    say('and ready');
    const turns: Record<string, number> = {};
    const inTurn = (service: string) => {
      const up = [...services.values()].flatMap((one) =>
        one.name.startsWith(`${service}/`) ? (one.running()?.url ?? []) : [],
      );
      const turn = (turns[service] = (turns[service] ?? 0) + 1);
      return up[turn % up.length] ?? NOBODY;
    };
    gateway = await openGateway(() => ({
      commands: inTurn('command-api'),
      queries: inTurn('query-api'),
      operations: [...services.values()].map((one) => one.running()?.opsUrl ?? NOBODY),
    }));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: gateway.url,
    key,
    environment,
    servers,
    services,
    notReady,
    async stopServices() {
      await Promise.all([...services.values()].map((one) => one.stop()));
    },
    close,
  };
}

async function readinessOf(service: MortalService): Promise<string | undefined> {
  const { name } = service;
  const url = service.running()?.opsUrl;
  if (url === undefined) return `${name} does not run`;
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(READY_ANSWER_MS) });
    return answer.ok ? undefined : `${name}: ${await answer.text()}`;
  } catch (error) {
    return `${name} does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}
