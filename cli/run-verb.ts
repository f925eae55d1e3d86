// `node main.ts <verb>`: each verb is a file of this folder, loaded when it is called.

type Verb = (args: readonly string[]) => Promise<number>;

const LOADERS: Readonly<Record<string, () => Promise<Verb>>> = {
  key: async () => (await import('./key.ts')).runKey,
  migrate: async () => (await import('./migrate.ts')).runMigrate,
};

export const VERBS: readonly string[] = Object.keys(LOADERS);

/** Runs one of the verbs and ends the process with its exit code. */
export async function runVerb(name: string, args: readonly string[]): Promise<never> {
  const verb = await LOADERS[name]?.();
  process.exit(verb ? await verb(args) : 1);
}
