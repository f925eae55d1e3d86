// A thread's log: its lines travel to the main thread, which alone writes files. Secrets are masked before they leave.

import type { MessagePort } from 'node:worker_threads';
import { levelNumbers, type Log, type LogLevel } from './log.ts';
import { plainFields } from './plain-fields.ts';

/** One line as it crosses threads. */
export interface PostedLine {
  readonly level: LogLevel;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** The log of a thread, over a port that the main side was given by `Logging.attach`. The port does not hold the thread. */
export function connectLog(port: MessagePort, least: LogLevel = 'debug'): Log {
  port.unref();
  const at = (level: LogLevel) => (fields: object, message: string) => {
    if (levelNumbers[level] < levelNumbers[least]) return;
    port.postMessage({ level, fields: plainFields(fields), message, time: Date.now() } satisfies PostedLine);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
