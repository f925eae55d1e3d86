// One copy of a service: a process that is killed, frozen, stopped and started again, and must not end by itself.

import { DidNotStart } from '../support/start-defter.ts';
import { type StartedService, startService } from '../support/start-service.ts';

/** Of a busy machine, on which many start at once, and servers are away meanwhile. */
const READY_WITHIN_MS = 180_000;

export interface MortalService {
  /** `<service>/<number>`. */
  readonly name: string;
  /** While it works; undefined while it is down, starts or is frozen. */
  running(): StartedService | undefined;
  /** Resolves when it works. Rejects when it ended by itself. With a time it is killed so long after its process began. */
  start(killAfterMs?: number): Promise<void>;
  /** SIGKILL, also while it starts. */
  kill9(): Promise<void>;
  /** SIGTERM; tells a fault when it does not end with 0. */
  stop(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** What it did that it should not have done, a sentence each. */
  readonly faults: readonly string[];
  printed(): string;
}

export function createMortalService(name: string, env: Readonly<Record<string, string>>): MortalService {
  const [service = name] = name.split('/');
  const faults: string[] = [];
  const outputs: (() => string)[] = [];
  let current: StartedService | undefined;
  let frozen = false;
  /** Set while it starts. */
  let signalStarting: ((signal: NodeJS.Signals) => void) | undefined;
  let starting: Promise<void> = Promise.resolve();
  /** Processes whose end was wanted. */
  const ended = new Set<StartedService>();

  async function startOnce(killAfterMs: number | undefined): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let killed = false;
    try {
      const one = await startService(service, env, {
        readyWithinMs: READY_WITHIN_MS,
        onSpawn(signal) {
          signalStarting = (wanted) => {
            killed = wanted === 'SIGKILL';
            signal(wanted);
          };
          if (killAfterMs !== undefined) timer = setTimeout(() => signalStarting?.('SIGKILL'), killAfterMs);
        },
      });
      outputs.push(() => one.printed());
      if (killed) return await one.kill9();
      current = one;
      void watch(one);
    } catch (error) {
      if (!(error instanceof DidNotStart)) throw error;
      outputs.push(() => error.printed);
      if (!killed) throw new Error(`${name} did not start: ${error.message}`, { cause: error });
    } finally {
      clearTimeout(timer);
      signalStarting = undefined;
    }
  }

  async function watch(one: StartedService): Promise<void> {
    const { code, signal } = await one.ended;
    if (ended.has(one)) return;
    if (current === one) current = undefined;
    faults.push(`${name} ended by itself with ${signal ?? code}: ${one.printed().slice(-2_000)}`);
  }

  const take = (): StartedService | undefined => {
    const one = current;
    if (one) ended.add(one);
    current = undefined;
    frozen = false;
    return one;
  };

  return {
    name,
    running: () => (frozen ? undefined : current),
    start(killAfterMs) {
      starting = startOnce(killAfterMs);
      return starting;
    },
    async kill9() {
      signalStarting?.('SIGKILL');
      await starting.catch(() => undefined);
      await take()?.kill9();
    },
    async stop() {
      const one = take();
      if (!one) return;
      const code = await one.stop();
      if (code !== 0) faults.push(`${name} ended with ${code} when it was stopped: ${one.printed().slice(-2_000)}`);
    },
    freeze() {
      if (!current) return;
      frozen = true;
      current.signal('SIGSTOP');
    },
    thaw() {
      if (!frozen) return;
      frozen = false;
      current?.signal('SIGCONT');
    },
    faults,
    printed: () => outputs.map((printed) => printed()).join('\n'),
  };
}
