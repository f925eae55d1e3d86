// Processor time by process, from Linux's /proc: what a figure of a whole installation on one machine is made of.

import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a process's clock in a second, on every Linux that Node runs on. */
const TICKS = 100;

/** Seconds of processor time used so far, by a name for what the process is. Empty where there is no /proc. */
export function processorTimes(nameOf: (commandLine: string) => string | undefined): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const pid of processes()) {
    try {
      const name = nameOf(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
      if (name === undefined) continue;
      // The second field may hold spaces: what is counted from its closing bracket is fixed. See proc(5).
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      const seconds = (Number(fields[11]) + Number(fields[12])) / TICKS;
      times.set(name, (times.get(name) ?? 0) + seconds);
    } catch {
      // It has ended meanwhile.
    }
  }
  return times;
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
