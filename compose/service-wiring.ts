import type { Config } from '#platform/config.ts';
import type { ThreadWiring } from '#platform/platform.ts';

/** The services that run beside the APIs, by the names that `main.ts` starts them under. */
export const BACKGROUND_SERVICES = ['projectors', 'workers:inference', 'workers:relay'] as const;
export type BackgroundService = (typeof BACKGROUND_SERVICES)[number];

export const API_SERVICES = ['command-api', 'query-api'] as const;
export type ApiService = (typeof API_SERVICES)[number];

/** What `node main.ts <name>` can run alone, any number of each. */
export const SERVICES = [...API_SERVICES, ...BACKGROUND_SERVICES] as const;
export type ServiceName = (typeof SERVICES)[number];

export const isService = (name: string): name is ServiceName => (SERVICES as readonly string[]).includes(name);

/** The services that one process runs beside the APIs: without Kafka nothing is relayed. */
export const backgroundServicesOf = (config: Pick<Config, 'kafkaBrokers'>): readonly BackgroundService[] =>
  BACKGROUND_SERVICES.filter((name) => name !== 'workers:relay' || config.kafkaBrokers !== undefined);

/** What a service's thread is given. */
export interface ServiceWiring {
  readonly service: BackgroundService;
  /** Of this process; its threads' readiness is told under this name, since others may share the live channel. */
  readonly instance: string;
  readonly config: Config;
  readonly thread: ThreadWiring;
}
