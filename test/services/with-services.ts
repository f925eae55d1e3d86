// `npm run services`: starts the servers that Defter's distributed mode needs and prints the environment to use, also into
// a file with `--write <file>`, which is there once all answer and goes with them; they run until Ctrl-C.
// `npm run services -- [--only redis,kafka] npm test` runs a command with that environment instead.
// A server whose variable is set already is not started.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipes } from './recipes.ts';
import { SERVICE_NAMES, SERVICE_VARIABLES, type RunningService, type ServiceName } from './service.ts';
import { serviceCache } from './service-cache.ts';

const args = process.argv.slice(2);
const options = new Map<string, string>();
while (args[0] === '--only' || args[0] === '--write') {
  const [name, value = ''] = args.splice(0, 2) as [string, string?];
  options.set(name, value);
}
const only = options.get('--only')?.split(',');
const file = options.get('--write');
if (file !== undefined) rmSync(file, { force: true });
if (args[0] === '--') args.shift();
const unknown = only?.filter((name) => !(SERVICE_NAMES as readonly string[]).includes(name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(`There is no service ${unknown.join(', ')}; there are ${SERVICE_NAMES.join(', ')}.\n`);
  process.exit(2);
}
const wanted = SERVICE_NAMES.filter((name) => (only?.includes(name) ?? true) && !process.env[SERVICE_VARIABLES[name]]);

const cache = serviceCache();
const folder = mkdtempSync(join(tmpdir(), 'defter-services-'));
const running: RunningService[] = [];
process.exitCode = await run();

async function run(): Promise<number> {
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    await Promise.all(wanted.map(open));
    const environment = Object.assign({}, ...running.map((service) => service.environment)) as Record<string, string>;
    const [command, ...rest] = args;
    if (command === undefined) {
      const lines = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'\n`);
      if (lines.length === 0)
        throw new Error('Every server is named in the environment already: there is none to start.');
      process.stdout.write(lines.join(''));
      if (file !== undefined) writeWhole(file, lines.join(''));
      process.stderr.write('The servers run until Ctrl-C; their data is gone then.\n');
      await interrupted;
      return 0;
    }
    const child = spawn(command, rest, { stdio: 'inherit', env: { ...process.env, ...environment } });
    void interrupted.then(() => child.kill('SIGTERM'));
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await Promise.allSettled(running.map((service) => service.stop()));
    rmSync(folder, { recursive: true, force: true });
    if (file !== undefined) rmSync(file, { force: true });
  }
}

/** Whoever finds the file finds all of it. */
function writeWhole(name: string, text: string): void {
  writeFileSync(`${name}.part`, text, { mode: 0o600 });
  renameSync(`${name}.part`, name);
}

async function open(name: ServiceName): Promise<void> {
  const recipe = await recipes[name]?.();
  if (!recipe) return;
  const began = performance.now();
  await recipe.install(cache);
  const data = join(folder, name);
  mkdirSync(data);
  running.push(await recipe.start({ cache, folder: data }));
  process.stderr.write(`${name} is up after ${((performance.now() - began) / 1_000).toFixed(1)} s\n`);
}
