// Finds what breaks the walls between rooms in a source tree.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import {
  adapterChoices,
  adapterFile,
  builtInEngines,
  emptyNames,
  engineFolder,
  mayKnowPlatform,
  mayReadEnvironment,
  outside,
  platformFile,
  rooms,
  unchecked,
} from './rooms.ts';
import { readSourceFile, type Reference, type SourceFile } from './source-file.ts';

export type Rule =
  | 'room' // imports a room, or a file of it, that it may not
  | 'unknown-room' // a folder or a file at the top that has no line in the table
  | 'package' // imports a package that is not for this room
  | 'adapter' // imports an adapter, which only platform/platform.ts may
  | 'platform' // knows the whole platform, though it is not the composition root
  | 'style' // relative across rooms, or by # inside one
  | 'missing' // imports a file that is not there, or without its extension
  | 'environment' // reads process.env
  | 'default-export'
  | 'name'
  | 'cycle'; // value imports that lead back to where they began

export interface Breach {
  readonly rule: Rule;
  /** Path from the root, with `/`. */
  readonly file: string;
  readonly line: number;
  readonly about: string;
}

type Tree = ReadonlyMap<string, SourceFile>;

const roomOf = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : file);

/** Every breach in the tree under `root`; `left` are paths to leave out. */
export function checkWalls(root: string, left: readonly string[] = []): readonly Breach[] {
  const tree = readTree(root, left);
  const adapters = findAdapters(tree);
  const breaches = [...tree].flatMap(([file, source]) => checkFile(tree, adapters, file, source));
  return [...breaches, ...findCycles(tree)];
}

/**
 * Files of adapters: by their names, by their folder, and whatever in a port's folder imports one of these. So a port's
 * file, or a loop that all adapters share, cannot lean on an adapter without being seen from outside.
 */
function findAdapters(tree: Tree): ReadonlySet<string> {
  const files = [...tree.keys()].filter((file) => file.startsWith('platform/') && !mayImportAdapters(file));
  const found = new Set(files.filter((file) => adapterFile.test(file) || engineFolder.test(file)));
  const leans = (file: string) =>
    tree.get(file)?.references.some(({ specifier }) => {
      const target = targetOf(file, specifier);
      return (
        target !== undefined && found.has(target) && (dirname(target) === dirname(file) || engineFolder.test(target))
      );
    });
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const file of files) if (leans(file)) found.add(file);
  }
  return found;
}

function readTree(root: string, left: readonly string[]): Tree {
  const names = readdirSync(root, { withFileTypes: true });
  const tops = names.filter(({ name }) => !unchecked.has(name) && !name.startsWith('.'));
  const files = tops.flatMap((top) => {
    if (!top.isDirectory()) return [top.name];
    return readdirSync(join(root, top.name), { recursive: true, encoding: 'utf8' }).map((name) =>
      posix.join(top.name, name.replaceAll('\\', '/')),
    );
  });
  const sources = files.filter(
    (file) => /\.(?:ts|mts|cts|mjs|cjs|js)$/.test(file) && !left.some((path) => file.startsWith(path)),
  );
  return new Map(sources.map((file) => [file, readSourceFile(file, readFileSync(join(root, file), 'utf8'))]));
}

function checkFile(tree: Tree, adapters: ReadonlySet<string>, file: string, source: SourceFile): Breach[] {
  const breach = (rule: Rule, line: number, about: string): Breach => ({ rule, file, line, about });
  const room = roomOf(file);
  if (outside.has(room)) return [];
  const found: Breach[] = [];
  if (!rooms[room]) found.push(breach('unknown-room', 1, `${room} is no room`));
  if (emptyNames.test(file)) found.push(breach('name', 1, 'the name says nothing about what is inside'));
  for (const line of source.defaultExports) found.push(breach('default-export', line, 'default export'));
  if (!mayReadEnvironment.test(file)) {
    for (const line of source.environmentReads) found.push(breach('environment', line, 'reads process.env'));
  }
  for (const reference of source.references) {
    const [rule, about] = checkReference(tree, adapters, file, reference) ?? [];
    if (rule) found.push(breach(rule, reference.line, `${reference.specifier}: ${about}`));
  }
  return found;
}

type Fault = readonly [Rule, string];

function checkReference(
  tree: Tree,
  adapters: ReadonlySet<string>,
  file: string,
  { specifier }: Reference,
): Fault | undefined {
  const target = targetOf(file, specifier);
  if (target === undefined) return checkPackage(roomOf(file), specifier);
  return (
    checkRoom(file, target) ??
    checkPlatform(adapters, file, target) ??
    checkStyle(file, target, specifier) ??
    checkThere(tree, target)
  );
}

/** The file a specifier means, from the root; undefined for a package or a built-in module. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? posix.join(dirname(file), specifier) : undefined;
}

function checkPackage(room: string, specifier: string): Fault | undefined {
  const allowed = rooms[room]?.packages ?? [];
  if (allowed.includes('*')) return undefined;
  if (builtInEngines.has(specifier)) return ['package', 'an engine, for platform/ alone'];
  if (specifier.startsWith('node:')) return undefined;
  const fits = allowed.some((name) => (name.endsWith('/') ? specifier.startsWith(name) : specifier === name));
  return fits ? undefined : ['package', `not for ${room}`];
}

function checkRoom(file: string, target: string): Fault | undefined {
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === to || target === 'package.json') return undefined;
  const allowed = rooms[from]?.rooms ?? [];
  const fits = allowed.some((entry) => (typeof entry === 'string' ? entry === to : entry.test(target)));
  return fits ? undefined : ['room', `${from} may not import it`];
}

const mayImportAdapters = (file: string) => file === platformFile || adapterChoices.test(file);

function checkPlatform(adapters: ReadonlySet<string>, file: string, target: string): Fault | undefined {
  if (target === platformFile && !mayKnowPlatform.test(file)) return ['platform', 'take the ports you use instead'];
  if (adapterChoices.test(target) && !mayImportAdapters(file))
    return ['adapter', `only ${platformFile} imports the choices between adapters`];
  if (!adapters.has(target) || mayImportAdapters(file)) return undefined;
  const ofOneAdapter = adapters.has(file) && (dirname(file) === dirname(target) || engineFolder.test(target));
  return ofOneAdapter ? undefined : ['adapter', `only ${platformFile} imports adapters`];
}

/** Rooms that package.json's `imports` names. */
const named = new Set(['events', 'contracts', 'platform']);

function checkStyle(file: string, target: string, specifier: string): Fault | undefined {
  const byName = specifier.startsWith('#');
  if (roomOf(file) === roomOf(target)) return byName ? ['style', 'inside a room imports are relative'] : undefined;
  // A script's URL cannot be written with #, and main.ts stands outside the rooms.
  if (byName || !named.has(roomOf(target)) || roomOf(file) === 'main.ts') return undefined;
  return ['style', `across rooms it is #${target}`];
}

function checkThere(tree: Tree, target: string): Fault | undefined {
  if (tree.has(target) || target.endsWith('.json')) return undefined;
  return ['missing', 'there is no such file'];
}

/** One breach per knot of files that import each other, at its first file. */
function findCycles(tree: Tree): Breach[] {
  const next = (file: string) =>
    (tree.get(file)?.references ?? [])
      .filter(({ kind }) => kind === 'value')
      .map(({ specifier }) => targetOf(file, specifier))
      .filter((target) => target !== undefined && tree.has(target)) as string[];
  return knots([...tree.keys()], next).map((files) => {
    const [file = ''] = files.toSorted((a, b) => a.localeCompare(b));
    return { rule: 'cycle', file, line: 1, about: files.join(' → ') };
  });
}

/** Tarjan's strongly connected components: those of more than one file, and files that import themselves. */
function knots(files: readonly string[], next: (file: string) => readonly string[]): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    lowest.set(file, index);
    stack.push(file);
    for (const target of next(file)) {
      const reached = !order.has(target) ? visit(target) : stack.includes(target) ? order.get(target) : undefined;
      if (reached !== undefined) lowest.set(file, Math.min(lowest.get(file) ?? index, reached));
    }
    const low = lowest.get(file) ?? index;
    if (low === index) {
      const knot = stack.splice(stack.indexOf(file));
      if (knot.length > 1 || next(file).includes(file)) found.push(knot);
    }
    return low;
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return found;
}
