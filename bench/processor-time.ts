// What processes use of the machine, from Linux's /proc: their processor time, by process or by thread, and their memory.

import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a process's clock in a second, on every Linux that Node runs on. */
const TICKS = 100;

/** Seconds of processor time used so far, by a name for what the process is. Empty where there is no /proc. */
export function processorTimes(nameOf: (commandLine: string) => string | undefined): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const pid of numbersIn('/proc')) {
    const name = nameOf(readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
    if (name !== undefined) times.set(name, (times.get(name) ?? 0) + secondsIn(`/proc/${pid}/stat`));
  }
  return times;
}

/** Seconds of processor time of one process, by the names of its threads; V8's own are one. */
export function threadTimes(pid: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const id of numbersIn(`/proc/${pid}/task`)) {
    const name = readOrEmpty(`/proc/${pid}/task/${id}/comm`).trim();
    times.set(name, (times.get(name) ?? 0) + secondsIn(`/proc/${pid}/task/${id}/stat`));
  }
  return times;
}

/** MiB in memory of a process and of all that it started. */
export function residentMiB(pid: number): number {
  const parents = new Map(numbersIn('/proc').map((id) => [id, Number(statOf(`/proc/${id}/stat`)[1])]));
  const belongs = (id: number): boolean => id === pid || (parents.has(id) && belongs(parents.get(id) ?? 0));
  const kib = [...parents.keys()].filter(belongs).map((id) => {
    return Number(/VmRSS:\s+(\d+)/.exec(readOrEmpty(`/proc/${id}/status`))?.[1] ?? 0);
  });
  return kib.reduce((sum, one) => sum + one, 0) / 1_024;
}

function secondsIn(statPath: string): number {
  const fields = statOf(statPath);
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS;
}

/** The second field may hold spaces: what is counted from its closing bracket is fixed. See proc(5). */
function statOf(path: string): string[] {
  return readOrEmpty(path).split(') ').at(-1)?.split(' ') ?? [];
}

/** Whatever is asked about may have ended meanwhile. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
