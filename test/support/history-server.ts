// A server on one data folder that is killed and started again while others call it.

import { DidNotStart, type RunningDefter, startDefter } from './start-defter.ts';
import type { Happening } from './history.ts';

export interface MortalServer {
  /** The server that runs; waits while none does. Rejects once it has been given up. */
  whenUp(): Promise<RunningDefter>;
  /** Starts it. With a delay it is killed so many milliseconds after its process began, if it is not ready before. */
  start(killAfterMs?: number): Promise<'ready' | 'killed'>;
  /** SIGKILL, to one that is still starting too. */
  kill9(): Promise<void>;
  /** SIGTERM; answers the exit code and how long it took. */
  stop(): Promise<{ readonly code: number | null; readonly milliseconds: number }>;
  /** SIGKILL to whatever still runs; those who wait are told that there is no more. */
  end(): Promise<void>;
  /** What all of them have printed. */
  printed(): string;
  readonly happenings: readonly Happening[];
}

export function createMortalServer(dataDir: string, env: Readonly<Record<string, string>>): MortalServer {
  const happenings: Happening[] = [];
  const outputs: (() => string)[] = [];
  let running: RunningDefter | undefined;
  let killStarting: (() => void) | undefined;
  let waiting = Promise.withResolvers<RunningDefter>();
  waiting.promise.catch(() => undefined);
  const note = (what: string) => void happenings.push({ at: Date.now(), what });

  /** Whoever waits from now on waits for the next one. */
  const takeDown = (): RunningDefter => {
    if (!running) throw new Error('no server runs');
    const one = running;
    running = undefined;
    waiting = Promise.withResolvers<RunningDefter>();
    waiting.promise.catch(() => undefined);
    return one;
  };

  return {
    happenings,
    whenUp: () => waiting.promise,
    printed: () => outputs.map((printed) => printed()).join('\n'),
    async start(killAfterMs) {
      let timer: NodeJS.Timeout | undefined;
      let killed = false;
      try {
        const one = await startDefter(dataDir, env, {
          onSpawn(kill9) {
            killStarting = () => {
              killed = true;
              kill9();
            };
            if (killAfterMs !== undefined) timer = setTimeout(killStarting, killAfterMs);
          },
        });
        if (killed) {
          await one.kill9();
          note('killed as it was ready');
          return 'killed';
        }
        running = one;
        outputs.push(() => one.printed());
        note('ready');
        waiting.resolve(one);
        return 'ready';
      } catch (error) {
        if (killed && error instanceof DidNotStart) {
          outputs.push(() => error.printed);
          note('killed while it started');
          return 'killed';
        }
        waiting.reject(error);
        throw error;
      } finally {
        clearTimeout(timer);
        killStarting = undefined;
      }
    },
    async kill9() {
      note('kill -9');
      if (killStarting) killStarting();
      else await takeDown().kill9();
    },
    async end() {
      killStarting?.();
      if (running) await takeDown().kill9();
      waiting.reject(new Error('the server is gone for good'));
    },
    async stop() {
      note('SIGTERM');
      const began = performance.now();
      const code = await takeDown().stop();
      return { code, milliseconds: performance.now() - began };
    },
  };
}
