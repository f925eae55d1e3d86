// A Chroma server: the native part of its Python package, run without the rest of it.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { openServerProcess } from '../server-process.ts';
import type { ServiceRecipe } from '../service.ts';

const VERSION = '1.5.9';
const RUN = "import chromadb_rust_bindings as b, sys; b.cli(['chroma'] + sys.argv[1:])";
const run = promisify(execFile);

const folderOf = (cache: string) => join(cache, `chromadb-${VERSION}`);

export const chromaRecipe: ServiceRecipe = {
  name: 'chroma',
  async install(cache) {
    if (existsSync(folderOf(cache))) return;
    const getting = mkdtempSync(join(cache, 'getting-'));
    try {
      const to = ['--no-deps', '--no-compile', '--quiet', '--target', getting];
      await run('python3', ['-m', 'pip', 'install', ...to, `chromadb==${VERSION}`]).catch((cause: Error) => {
        throw new Error(`Chroma needs Python 3 with pip: ${cause.message}`, { cause });
      });
      if (!existsSync(folderOf(cache))) renameSync(getting, folderOf(cache));
    } finally {
      rmSync(getting, { recursive: true, force: true });
    }
  },
  async start({ cache, folder }) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const listen = ['--host', '127.0.0.1', '--port', String(port)];
    const process = await openServerProcess({
      command: 'python3',
      args: ['-c', RUN, 'run', '--path', join(folder, 'data'), ...listen],
      env: { PYTHONPATH: folderOf(cache), PYTHONDONTWRITEBYTECODE: '1' },
      cwd: folder,
      logFile: join(folder, 'chroma.log'),
      answers: async () => (await fetch(`${url}/api/v2/heartbeat`)).ok,
    });
    return { name: 'chroma', environment: { CHROMA_URL: url }, ...process };
  },
};
