import { runVerb, VERBS } from '../cli/run-verb.ts';
import { isService, SERVICES } from './service-wiring.ts';

/** `node main.ts <service>` or `node main.ts <verb> …`. */
export async function runNamed(name: string, args: readonly string[]): Promise<never> {
  if (isService(name)) return (await import('./run-service.ts')).runService(name);
  if (VERBS.includes(name)) return runVerb(name, args);
  process.stderr.write(
    `There is no service or verb ${name}. Services: ${SERVICES.join(', ')}. Verbs: ${VERBS.join(', ')}.\n`,
  );
  process.exit(1);
}
