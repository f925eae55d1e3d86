import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const SCRIPT = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
  await import(process.argv[1]);
  process.stdout.write(JSON.stringify(loaded));
`;

/** URLs of all that a fresh process loads for this module. */
export async function loadedBy(module: URL): Promise<string[]> {
  const args = ['--input-type=module', '--eval', SCRIPT, module.href];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as string[];
}
