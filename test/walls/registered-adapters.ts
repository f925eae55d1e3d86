// Which adapters no contract suite is run on. A port is a file with a suite of its name; an adapter of it is
// named for an engine and the port (`redis-read-store.ts`), or is an engine of its own kind (`live-hub.ts`). It is
// registered when a test of test/contract/ that calls the suite reaches it, by itself or by way of test/.

import { posix } from 'node:path';
import { adapterFile, engines } from './rooms.ts';
import { readSourceFile } from './source-file.ts';

/** Texts by path from the root. Answers a sentence for each adapter, and each folder of adapters, that no suite is run on. */
export function findUnregistered(files: ReadonlyMap<string, string>): string[] {
  const paths = [...files.keys()];
  const portsOf = (folder: string) =>
    paths.flatMap((path) => {
      const port = posix.basename(path, '.ts');
      return posix.dirname(path) === folder && files.has(suiteOf(port)) ? [port] : [];
    });
  const folders = Map.groupBy(paths.filter(isInPortsFolder), (path) => posix.dirname(path));
  return [...folders].flatMap(([folder, named]) => {
    const ports = portsOf(folder);
    if (ports.length === 0) return [`${folder} has adapters, and no port with a suite in test/contract/`];
    return ports.flatMap((port) => {
      const reached = reachedBySuite(files, port);
      return named
        .filter((path) => isAdapterOf(path, port) && !reached.has(path))
        .map((path) => `${path} is not run through ${suiteOf(port)}`);
    });
  });
}

const suiteOf = (port: string) => `test/contract/${port}.contract.ts`;

/** What adapters of several ports have in common is in folders named for the engine, and what chooses them in adapters/. */
const isInPortsFolder = (path: string) =>
  adapterFile.test(path) && !/^platform\/(?:adapters|sqlite|redis|kafka|elasticsearch|s3)\//.test(path);

function isAdapterOf(path: string, port: string): boolean {
  const [, rest] = new RegExp(`^(?:${engines})(?:-(.*))?$`).exec(posix.basename(path, '.ts')) ?? [];
  return rest === undefined || rest === port || port.endsWith(`-${rest}`);
}

function reachedBySuite(files: ReadonlyMap<string, string>, port: string): ReadonlySet<string> {
  const suite = suiteOf(port);
  const reached = new Set<string>();
  const follow = (path: string): void => {
    if (reached.has(path) || path === suite) return;
    reached.add(path);
    if (path.startsWith('test/')) valueImports(files, path).forEach(follow);
  };
  for (const path of files.keys()) {
    const runs = /^test\/contract\/.*\.test\.ts$/.test(path) && valueImports(files, path).includes(suite);
    if (runs) follow(path);
  }
  return reached;
}

function valueImports(files: ReadonlyMap<string, string>, path: string): string[] {
  return readSourceFile(path, files.get(path) ?? '').references.flatMap(({ specifier, kind }) => {
    const target = specifier.startsWith('#platform/') ? specifier.slice(1) : posix.join(posix.dirname(path), specifier);
    return kind !== 'type' && files.has(target) ? [target] : [];
  });
}
