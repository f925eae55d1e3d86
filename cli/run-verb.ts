// `node main.ts <verb>`: each verb is a file of this folder, loaded when it is called.

type Verb = (args: readonly string[]) => Promise<number>;

const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  key: async () => (await import('./key.ts')).runKey,
};

/** Runs a verb and ends the process with its exit code. */
export async function runVerb(name: string, args: readonly string[]): Promise<never> {
  const load = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!load) {
    process.stderr.write(`There is no verb ${name}; there are: ${Object.keys(VERBS).join(', ')}.\n`);
    process.exit(1);
  }
  process.exit(await (await load())(args));
}
