// Children for the tests of start-child.ts: Node with a script, which the parent may start in a process of its own.

import { existsSync, readFileSync } from 'node:fs';
import { type ChildOptions, startChild } from '#platform/lifecycle/start-child.ts';
import { createQuietLog } from './quiet-log.ts';

/** The script is given the path of a file: it is there once it is ready, and holds the process ids that it has to tell. */
export const childOf = (script: string, file: string, options: Partial<ChildOptions> = {}): ChildOptions => ({
  name: 'a child',
  command: process.execPath,
  args: [
    '-e',
    `const { spawn } = require('node:child_process'), fs = require('node:fs'), file = process.argv[1]; ${script}`,
    file,
  ],
  env: {},
  answers: async () => existsSync(file),
  memoryLimitBytes: 2 ** 31,
  log: createQuietLog(),
  ...options,
});

/** It is ready, tells its own and a grandchild's process id, and goes on until it is ended. */
export const WITH_GRANDCHILD = `
  const other = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
  fs.writeFileSync(file + '.new', process.pid + ' ' + other.pid); fs.renameSync(file + '.new', file);
  setInterval(() => undefined, 1000);
`;

/** Whether the process runs; one that ended and was not yet waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export const pidsIn = (file: string): number[] => readFileSync(file, 'utf8').split(' ').map(Number);

// As a program: the parent of such a child, until it is ended.
if (import.meta.main) {
  const [, , file = ''] = process.argv;
  await startChild(childOf(WITH_GRANDCHILD, file));
  setInterval(() => undefined, 1_000);
}
