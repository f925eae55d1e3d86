import type { Config } from '#platform/config.ts';
import type { ThreadWiring } from '#platform/platform.ts';

/** The services that run beside the APIs, by the names that `main.ts` starts them under. */
export const BACKGROUND_SERVICES = ['projectors', 'workers:inference'] as const;
export type BackgroundService = (typeof BACKGROUND_SERVICES)[number];

/** What a service's thread is given. */
export interface ServiceWiring {
  readonly service: BackgroundService;
  readonly config: Config;
  readonly thread: ThreadWiring;
}
