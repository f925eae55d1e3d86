// The application log and the access log, each to standard output and to its own rotating file. JSON lines in bunyan's
// format; on a terminal the application log is short and readable, and access lines are left out unless the level is
// `debug`. An access line is an `info` line: at `warn` and above there are none. Opened once, by the main thread; threads
// send their lines here.

import bunyan from 'bunyan';
import { hostname } from 'node:os';
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { codeOf, StartError } from '../errors.ts';
import { createAccessLine, type AccessLog } from './access-log.ts';
import { createLineQueue, type LineQueue } from './line-queue.ts';
import { levelNumbers, type Log, type LogLevel } from './log.ts';
import { plainFields } from './plain-fields.ts';
import { openRotatingFile, type Rotation } from './rotating-file.ts';
import { openStdout, type Stdout } from './stdout-output.ts';
import { createTerminalLine, type LogRecord } from './terminal-line.ts';
import type { PostedLine } from './thread-log.ts';

export interface LoggingOptions {
  /** The name on each line, e.g. `defter`. */
  readonly service: string;
  readonly level: LogLevel;
  /** The folder of application.log and access.log; null writes no files. */
  readonly dir: string | null;
  readonly rotation: Rotation;
  /** Default: this process's; null prints nothing. */
  readonly stdout?: Stdout | null;
}

export interface Logging {
  readonly log: Log;
  readonly access: AccessLog;
  /** Like an error, but the last line: it is written when this returns, as far as the outputs let it. */
  fatal(fields: object, message: string): void;
  /** Takes a thread's lines; give the other end of the channel to `connectLog`. The port does not hold the process. */
  attach(port: MessagePort, thread: string): void;
  /** Writes what waits here and now, for a process about to exit. Also done when it exits without `close`. */
  flushSync(): void;
  /** Writes what waits, for at most two seconds, and closes the files. */
  close(): Promise<void>;
}

const closeWithinMs = 2_000;

export async function openLogging(options: LoggingOptions): Promise<Logging> {
  const { service, level, dir, rotation } = options;
  const origin = { name: service, hostname: hostname(), pid: process.pid };
  const lostLine = (lost: number): string =>
    JSON.stringify({
      ...origin,
      level: levelNumbers.warn,
      lost,
      msg: 'Log lines were lost here because the output could not keep up.',
      time: new Date().toISOString(),
      v: 0,
    });
  const stdout = options.stdout === undefined ? openStdout() : options.stdout;
  const files = dir === null ? [] : await openFiles(dir, rotation);
  const [applicationFile, accessFile] = files.map((file) => createLineQueue(file, { lostLine }));
  const terminal = stdout?.isTerminal === true;
  const printed = stdout ? createLineQueue(stdout, { lostLine }) : undefined;
  const queues = [printed, applicationFile, accessFile].filter((queue) => queue !== undefined);

  const application = bunyan.createLogger({
    name: service,
    level,
    streams: [{ type: 'raw', stream: { write: (record: unknown) => writeRecord(record as LogRecord) } }],
  });
  function writeRecord(record: LogRecord): void {
    const line = JSON.stringify(record);
    applicationFile?.add(line, true);
    printed?.add(terminal ? createTerminalLine(record) : line, true);
  }

  const at =
    (name: LogLevel) =>
    (fields: object, message: string): void => {
      if (levelNumbers[name] >= application.level()) application[name](plainFields(fields), '%s', message);
    };
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };

  const accessLine = createAccessLine(origin);
  const printAccess = !terminal || level === 'debug';
  const access: AccessLog = {
    write(record) {
      if (levelNumbers.info < application.level()) return;
      const line = accessLine(record);
      accessFile?.add(line, false);
      if (printAccess) printed?.add(line, false);
    },
  };

  const flushSync = (): void => queues.forEach((queue) => queue.flushSync());
  process.on('exit', flushSync);
  const ports = new Map<MessagePort, string>();
  function writePosted({ level: name, fields, message, time }: PostedLine, thread: string): void {
    if (levelNumbers[name] < application.level()) return;
    application[name]({ ...fields, thread, time: new Date(time) }, '%s', message);
  }

  return {
    log,
    access,
    fatal(fields, message) {
      application.fatal(plainFields(fields), '%s', message);
      flushSync();
    },
    attach(port, thread) {
      ports.set(port, thread);
      port.on('message', (line: PostedLine) => writePosted(line, thread));
      port.on('close', () => ports.delete(port));
      port.unref();
    },
    flushSync,
    async close() {
      for (const [port, thread] of ports) {
        for (let got = receiveMessageOnPort(port); got; got = receiveMessageOnPort(port)) {
          writePosted(got.message as PostedLine, thread);
        }
        port.close();
      }
      await flushAll(queues);
      for (const file of files) await file.close();
      process.off('exit', flushSync);
    },
  };
}

async function openFiles(dir: string, rotation: Rotation) {
  try {
    return [
      await openRotatingFile(dir, 'application', rotation),
      await openRotatingFile(dir, 'access', rotation),
    ] as const;
  } catch (error) {
    throw new StartError(`LOG_DIR ${dir} cannot be written (${codeOf(error) ?? String(error)}).`, 'log-dir-unwritable');
  }
}

async function flushAll(queues: readonly LineQueue[]): Promise<void> {
  await Promise.all(queues.map((queue) => queue.flush(closeWithinMs)));
}
