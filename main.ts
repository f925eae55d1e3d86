// The composition root. `node main.ts` runs every service in this process: the two APIs on the main thread, which does
// nothing that blocks, and each other service on a thread of its own. `node main.ts <service>` runs one service alone,
// `node main.ts <verb>` a verb of cli/.

import { isMainThread } from 'node:worker_threads';
import type { ServiceWiring } from './compose/service-wiring.ts';
import type { StartService } from './platform/lifecycle/service-thread-messages.ts';

/** What a service's thread runs; see platform/lifecycle/service-thread.ts. */
export const startService: StartService<ServiceWiring> = async (wiring, tools) => {
  const { startNamedService } = await import('./compose/background-services.ts');
  return startNamedService(wiring, tools);
};

if (isMainThread) {
  const [name, ...rest] = process.argv.slice(2);
  if (name === undefined) await (await import('./compose/all-in-one.ts')).runAllInOne();
  else await (await import('./compose/run-named.ts')).runNamed(name, rest);
}
