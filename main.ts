// The composition root. `node main.ts` runs every service in this process: the APIs on the main thread, which does nothing
// that blocks, the others on threads beside it. `node main.ts <service>` runs one service alone, `node main.ts <verb>` a verb
// of cli/.

import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import type { ServicesWiring } from './compose/service-thread.ts';
import { keepCompiled } from './platform/config/keep-compiled.ts';
import { withRuntimeFlags } from './platform/lifecycle/runtime-flags.ts';
import type { StartServices } from './platform/lifecycle/service-thread-messages.ts';

// Before anything else is loaded: begun anew, not even this file is compiled.
if (isMainThread) {
  keepCompiled(fileURLToPath(new URL('./node_modules/.cache/defter', import.meta.url)));
  withRuntimeFlags();
}

/** What a thread of services runs; see platform/lifecycle/service-thread.ts. */
export const startServices: StartServices<ServicesWiring> = async (wiring, tools) =>
  (await import('./compose/service-thread.ts')).startServices(wiring, tools);

async function runNamed(name: string, args: readonly string[]): Promise<never> {
  const { allServices } = await import('./compose/services.ts');
  const service = allServices.find((one) => one.name === name);
  if (service) return (await import('./compose/run-service.ts')).runService(service);
  const { runVerb, VERBS } = await import('./cli/run-verb.ts');
  if (VERBS.includes(name)) return runVerb(name, args);
  const known = allServices.map((one) => one.name).join(', ');
  process.stderr.write(`There is no service or verb ${name}. Services: ${known}. Verbs: ${VERBS.join(', ')}.\n`);
  process.exit(1);
}

if (isMainThread) {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined) await (await import('./compose/all-in-one.ts')).runAllInOne();
  else await runNamed(name, args);
}
