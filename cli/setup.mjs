// Makes node_modules what package-lock.json says, before anything else runs; silent when it is already. Plain JavaScript
// without dependencies, for the machine's own Node (20 or newer): what it installs brings Node 24.
//
// Install scripts are not run, on any npm: some would download hundreds of megabytes. The one exception is the package
// `node`, whose script fetches the Node 24 binary.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] === undefined ? fileURLToPath(new URL('..', import.meta.url)) : resolve(process.argv[2]);
const modules = join(root, 'node_modules');
const marker = join(modules, '.defter-setup');
const node = join(modules, '.bin', 'node');
const wantedNode = 'v24.';

/** What the installed tree must have come from. Contents, not times: a clone gives every file a new time. */
function wanted() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}`;
}

function isInstalled() {
  return read(marker) === wanted() && existsSync(join(modules, '.package-lock.json')) && existsSync(node);
}

/** As a file of its own: never written into one that another tree has too, by a hard link. */
function mark() {
  rmSync(marker, { force: true });
  writeFileSync(marker, wanted());
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function nodeVersion() {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * True for a whole tree that someone installed with npm itself: npm writes its own record last. The record alone is no proof:
 * in a tree that was copied by hard links it is the other tree's.
 */
function isInstalledByHand() {
  const text = read(join(modules, '.package-lock.json'));
  if (text === undefined || !nodeVersion()?.startsWith(wantedNode)) return false;
  try {
    const installed = JSON.parse(text).packages;
    const { '': _, ...locked } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const agrees = ([path, { version, integrity, optional }]) =>
      path in installed
        ? installed[path].version === version && installed[path].integrity === integrity && existsSync(join(root, path))
        : optional === true;
    return Object.entries(locked).every(agrees) && Object.keys(installed).every((path) => path in locked);
  } catch {
    return false;
  }
}

class SetupFailed extends Error {}

/**
 * A Node that is there also after npm has deleted node_modules. In a script of npm's, `node` means the one in there, if there
 * is one: then the one that runs npm, or the first on the path that lies elsewhere.
 */
function lastingNode() {
  const inside = existsSync(modules) ? realpathSync(modules) + sep : undefined;
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, basename(process.execPath)));
  const found = [process.execPath, process.env.npm_node_execpath, ...onPath].find(
    (path) => path && existsSync(path) && (inside === undefined || !realpathSync(path).startsWith(inside)),
  );
  if (found === undefined)
    throw new SetupFailed('there is no other Node than the one in node_modules, which npm deletes.');
  return found;
}

/** Runs npm in the open. What npm was told about scripts, dev dependencies or silence elsewhere does not count here. */
async function npm(runtime, ...args) {
  const script = process.env.npm_execpath;
  const viaNode = script !== undefined && script.endsWith('npm-cli.js');
  const command = viaNode ? runtime : 'npm';
  const env = { ...process.env, NODE_ENV: '' };
  for (const name of Object.keys(env)) {
    if (/^npm_config_(ignore_scripts|omit|include|only|production|loglevel|silent|dry_run|global)$/i.test(name))
      delete env[name];
  }
  const child = spawn(command, [...(viaNode ? [script] : []), ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const endWithUs = () => child.kill('SIGTERM');
  process.on('exit', endWithUs);
  const [code, error] = await new Promise((done) => {
    child.on('error', (error) => done([1, error]));
    child.on('close', (code, signal) => done([code ?? signal, undefined]));
  });
  process.off('exit', endWithUs);
  if (error) throw new SetupFailed(`npm cannot be run (${error.code}); is it installed?`);
  if (code !== 0) throw new SetupFailed(`"npm ${args.join(' ')}" ended with ${code}; its own words are above.`);
}

async function install() {
  console.log('Installing dependencies by the lock file (no install scripts) …');
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  // On a terminal npm draws its own progress.
  const progress = process.stdout.isTTY
    ? undefined
    : setInterval(() => console.log(`… still installing (${seconds()} s)`), 10_000);
  try {
    const runtime = lastingNode();
    rmSync(marker, { force: true });
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
    await npm(runtime, 'ci', '--ignore-scripts', '--include=dev', '--include=optional', ...quiet);
    await npm(runtime, 'rebuild', 'node', '--ignore-scripts=false', ...quiet);
  } finally {
    clearInterval(progress);
  }
  const version = nodeVersion();
  if (!version?.startsWith(wantedNode)) {
    throw new SetupFailed(
      `node_modules/.bin/node is ${version ?? 'missing'}, not ${wantedNode}x: its download failed.`,
    );
  }
  mark();
  console.log(`Installed in ${seconds()} s; Node is ${version}.`);
}

// Two set-ups at once would delete each other's files, so one waits for the other. The lock is a file outside
// node_modules, which npm deletes; its owner renews it, so that one left behind by a killed set-up is taken over.
const lockFile = join(tmpdir(), `defter-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.lock`);
const renewMs = 1_000;
const abandonedMs = 10_000;
const token = `${process.pid} ${Date.now()} ${Math.random()}`;

async function withLock(work) {
  let told = false;
  while (!(await takeLock())) {
    if (!told) console.log('Another set-up is running here; waiting for it …');
    told = true;
    await sleep(250);
  }
  const renewal = setInterval(renew, renewMs);
  const release = () => {
    if (read(lockFile) === token) rmSync(lockFile, { force: true });
  };
  process.on('exit', release);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  try {
    await work();
  } finally {
    clearInterval(renewal);
    release();
  }
}

function renew() {
  try {
    utimesSync(lockFile, new Date(), new Date());
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

async function takeLock() {
  try {
    writeFileSync(lockFile, token, { flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isAbandoned()) return false;
    rmSync(lockFile, { force: true });
    return false;
  }
  // Whoever found an abandoned lock may have deleted this one in its place; then that one's owner has it.
  await sleep(50);
  return read(lockFile) === token;
}

function isAbandoned() {
  try {
    return Date.now() - statSync(lockFile).mtimeMs > abandonedMs;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

try {
  if (!isInstalled()) {
    await withLock(async () => {
      if (isInstalled()) return;
      if (isInstalledByHand()) mark();
      else await install();
    });
  }
} catch (error) {
  console.error(
    error instanceof SetupFailed
      ? `Set-up failed: ${error.message}`
      : `Set-up failed: ${error.code ?? ''} ${error.message}`,
  );
  process.exit(1);
}
