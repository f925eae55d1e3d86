import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { codeOf } from '../errors.ts';

/** Bytes of memory that the processes of a group hold now; 0 when none is left. */
export const residentBytesOf = (group: number): Promise<number> =>
  process.platform === 'linux' ? readProc(group) : askPs(group);

async function readProc(group: number): Promise<number> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const sizes = await Promise.all(processes.map((id) => readProcess(id, group)));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** See proc(5). A process may end while it is read. */
async function readProcess(id: string, group: number): Promise<number> {
  try {
    const stat = await readFile(`/proc/${id}/stat`, 'utf8');
    // Its name stands in brackets and may hold anything; the group is the third field behind it.
    const [, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(itsGroup) !== group) return 0;
    const [, kibibytes = '0'] = /^VmRSS:\s*(\d+) kB$/m.exec(await readFile(`/proc/${id}/status`, 'utf8')) ?? [];
    return Number(kibibytes) * 1_024;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(codeOf(error) ?? '')) return 0;
    throw error;
  }
}

async function askPs(group: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pgid=,rss=']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return rows.reduce((sum, [itsGroup, kibibytes = 0]) => sum + (itsGroup === group ? kibibytes * 1_024 : 0), 0);
}
