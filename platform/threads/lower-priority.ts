import { readdirSync, readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Of the background beside the thread that answers requests (nice values; a thread of 0 gets about three times as much). */
const BACKGROUND = 5;

/**
 * Lets the calling thread stand back behind the one that answers requests while processors are short. Linux knows
 * priorities of threads; elsewhere this does nothing.
 */
export function lowerThreadPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    // `<pid>/task/<tid>`: Node tells no thread's own id.
    const threadId = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(threadId, BACKGROUND);
  } catch {
    // Without /proc, or where priorities are forbidden, all threads stay equal: slower answers under load, nothing else.
  }
}

/** The same for a process that is nothing but background: all threads that it has by now, and those that they make. */
export function lowerProcessPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    for (const threadId of readdirSync('/proc/self/task')) setPriority(Number(threadId), BACKGROUND);
  } catch {
    // As above.
  }
}
