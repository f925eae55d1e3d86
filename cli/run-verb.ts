// `node main.ts <verb>`: each verb is a file of this folder, loaded when it is called.

import { StartError } from '#platform/errors.ts';

/** Throws a `StartError` for what whoever called it can mend. */
type Verb = (args: readonly string[]) => Promise<void>;

const LOADERS: Readonly<Record<string, () => Promise<Verb>>> = {
  admin: async () => (await import('./admin.ts')).runAdmin,
  key: async () => (await import('./key.ts')).runKey,
  migrate: async () => (await import('./migrate.ts')).runMigrate,
};

export const VERBS: readonly string[] = Object.keys(LOADERS);

/** Runs one of the verbs and ends the process: with 0, or with 1 and what kept it from its work. */
export async function runVerb(name: string, args: readonly string[]): Promise<never> {
  try {
    const verb = await LOADERS[name]?.();
    await verb?.(args);
    process.exit(verb ? 0 : 1);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`${error.faults.join('\n')}\n`);
    process.exit(1);
  }
}
