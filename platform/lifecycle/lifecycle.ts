// How a program starts, runs and ends: parts are opened in order and closed in reverse; a signal, or a part that fails,
// ends it once, within a grace; what cannot be recovered ends it at once. Exit codes: 0 stopped as asked, 1 otherwise.

import { asError, NamedError, StartError } from '../errors.ts';
import type { Logging } from '../logging/open-logging.ts';

export interface Program {
  /**
   * Opens a part and returns it; `close` is called when the program ends, in reverse order, at most once. When the end
   * has been asked for meanwhile, this throws what ends the start.
   */
  open<T>(name: string, open: () => T | Promise<T>, close: (part: T) => void | Promise<void>): Promise<T>;
  /** From now on faults are logged there; until then they go to standard error. */
  logTo(logging: Pick<Logging, 'log' | 'fatal' | 'flushSync'>): void;
  /** How long the end may take; 10 s until it is set. */
  setGrace(graceMs: number): void;
  /** Aborts when the end begins, also while starting. */
  readonly stopping: AbortSignal;
  /** Ends the program with exit code 1, parts closed in order, because this part can no longer do its work. */
  fail(name: string, error: Error): void;
}

/** Ends a start that is no longer wanted. Not a fault. */
class StartAbandoned extends NamedError {}

/** npm hands Ctrl-C on to a process that has had it from the terminal already; that is one signal, not two. */
const sameSignalMs = 500;

interface Part {
  readonly name: string;
  readonly close: () => void | Promise<void>;
}

/**
 * Runs a program until it is told to stop (SIGINT, SIGTERM) or fails, and then exits the process. `start` returns when
 * everything runs. A StartError is told in its sentences on standard error; any other fault with its stack.
 */
export async function runProgram(start: (program: Program) => Promise<void>): Promise<never> {
  const parts: Part[] = [];
  const stopping = new AbortController();
  const ended = Promise.withResolvers<void>();
  let logging: Pick<Logging, 'log' | 'fatal' | 'flushSync'> | undefined;
  let graceMs = 10_000;
  let exitCode = 0;
  let askedAt: number | undefined;

  function exitNow(code: number): never {
    logging?.flushSync();
    process.exit(code);
  }

  function ask(code: number): void {
    exitCode = Math.max(exitCode, code);
    if (askedAt !== undefined) return;
    askedAt = performance.now();
    setTimeout(overrun, graceMs).unref();
    stopping.abort(new StartAbandoned('the program was told to stop'));
    ended.resolve();
  }

  function overrun(): void {
    const open = parts.map(({ name }) => name);
    tell('fatal', { graceMs, open }, `Stopping took longer than ${graceMs} ms; what still runs is cut off.`);
    exitNow(1);
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (askedAt === undefined) {
      logging?.log.info({ signal }, 'Stopping.');
      ask(0);
    } else if (performance.now() - askedAt > sameSignalMs) {
      tell('fatal', { signal }, 'Told to stop twice; what still runs is cut off.');
      exitNow(1);
    }
  }

  function tell(level: 'error' | 'fatal', fields: { err?: Error } & Record<string, unknown>, message: string): void {
    if (!logging)
      process.stderr.write(`${message}${fields.err ? `\n${fields.err.stack ?? fields.err.message}` : ''}\n`);
    else if (level === 'fatal') logging.fatal(fields, message);
    else logging.log.error(fields, message);
  }

  function onFatal(thrown: unknown): void {
    tell('fatal', { err: asError(thrown) }, 'An unexpected error ends the program.');
    exitNow(1);
  }

  // A closed standard error must not end the program in the middle of telling why it ends.
  process.stderr.on('error', () => undefined);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  process.on('uncaughtException', onFatal).on('unhandledRejection', onFatal);

  const program: Program = {
    stopping: stopping.signal,
    async open(name, open, close) {
      stopping.signal.throwIfAborted();
      const part = await open();
      parts.push({ name, close: () => close(part) });
      stopping.signal.throwIfAborted();
      return part;
    },
    logTo: (given) => (logging = given),
    setGrace: (given) => (graceMs = given),
    fail(name, error) {
      // What a part reports while it is being stopped is a consequence, not a cause.
      if (askedAt !== undefined) return;
      tell('error', { part: name, err: error }, 'A part of the program failed; stopping.');
      ask(1);
    },
  };

  try {
    await start(program);
  } catch (error) {
    if (!stopping.signal.aborted) tellStartFault(error);
    else if (!(error instanceof StartAbandoned)) tell('error', { err: asError(error) }, 'The start was cut short.');
  }
  await ended.promise;
  await closeAll();
  return exitNow(exitCode);

  function tellStartFault(error: unknown): void {
    if (error instanceof StartError) {
      for (const fault of error.faults) process.stderr.write(`${fault}\n`);
    } else {
      tell('error', { err: asError(error) }, 'The program could not start.');
    }
    ask(1);
  }

  async function closeAll(): Promise<void> {
    for (let part = parts.pop(); part; part = parts.pop()) {
      try {
        await part.close();
      } catch (error) {
        exitCode = 1;
        tell('error', { part: part.name, err: asError(error) }, 'A part of the program could not be closed.');
      }
    }
  }
}
