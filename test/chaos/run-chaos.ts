// One run: an installation of its own, callers at work, round after round of faults; then quiet, and the judgement.

import { setTimeout as sleep } from 'node:timers/promises';
import { asError } from '#platform/errors.ts';
import { checkHistory, describeViolations } from '../support/history-checker.ts';
import { runClient } from '../support/history-clients.ts';
import { createRecorder, type Recorder } from '../support/history-recorder.ts';
import type { Happening, History } from '../support/history.ts';
import { applyFault, type FaultTools, healAll } from './apply-fault.ts';
import { comeToRest } from './come-to-rest.ts';
import { describeFault } from './fault.ts';
import { type GoingOn, goesOn } from './goes-on.ts';
import { type Installation, openInstallation } from './installation.ts';
import { createSchedule, type Round } from './schedule.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How long faults go on, in milliseconds; the round that is under way then is finished. */
  readonly forMs: number;
  readonly clients: number;
  /** The longest pause of a client between two things it does, in milliseconds. */
  readonly idleMs: number;
  /** How many of each service. */
  readonly copies: Readonly<Record<string, number>>;
  /** How soon work must go on once a round's faults are over, in milliseconds. */
  readonly goesOnWithinMs: number;
  readonly restWithinMs: number;
  /** For the servers' data. */
  readonly folder: string;
  /** Told what happens as it happens. */
  readonly say: (what: string) => void;
}

export interface Pause extends GoingOn {
  readonly round: number;
}

export interface ChaosReport {
  /** undefined when it could not be taken down. */
  readonly history: History | undefined;
  /** What broke, a sentence each; none when all is well. */
  readonly faults: readonly string[];
  readonly rounds: number;
  readonly pauses: readonly Pause[];
  readonly comeAgain: ReadonlyMap<string, number>;
  /** What the services printed. */
  readonly printed: string;
}

interface Run extends FaultTools {
  readonly options: ChaosOptions;
  readonly happenings: Happening[];
  readonly faults: string[];
  readonly pauses: Pause[];
  readonly note: (what: string) => void;
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { copies, folder, say, restWithinMs } = options;
  const installation = await openInstallation(folder, copies, say);
  const ending = new AbortController();
  const { signal } = ending;
  const whenUp = () =>
    signal.aborted ? Promise.reject(new Error('the run is over')) : Promise.resolve({ url: installation.url });
  const recorder = createRecorder({ whenUp }, installation.key);
  const happenings: Happening[] = [];
  const faults: string[] = [];
  const pauses: Pause[] = [];
  const note = (what: string) => {
    happenings.push({ at: Date.now(), what });
    say(what);
  };
  const callers = startCallers(recorder, options);
  let history: History | undefined;
  try {
    await playRounds({ options, installation, recorder, signal, happenings, faults, pauses, note });
    await healAll(installation);
    note('the faults are over');
    await within(callers.stop(), restWithinMs, 'the callers did not come to an end');
    const rest = await comeToRest(installation, recorder, happenings, restWithinMs);
    history = rest.history;
    faults.push(...rest.faults, ...describeViolations(checkHistory(history)).split('\n').filter(Boolean));
    note('judged');
    await installation.stopServices();
  } catch (error) {
    faults.push(`The run broke off: ${asError(error).message}`, ...(await installation.notReady()));
  } finally {
    ending.abort();
    await Promise.all([callers.stop().catch(() => undefined), installation.close()]);
  }
  faults.push(...recorder.unexpected, ...[...installation.services.values()].flatMap((one) => one.faults));
  const { comeAgain } = recorder;
  return { history, faults, rounds: pauses.length, pauses, comeAgain, printed: printedBy(installation) };
}

function startCallers(recorder: Recorder, { seed, clients, idleMs }: ChaosOptions) {
  const closing = new AbortController();
  const { signal } = closing;
  const working = Promise.all(
    Array.from({ length: clients }, (_, n) =>
      runClient({ recorder, seed: seed * 1_000 + n, name: `c${n}`, signal, idleMs }),
    ),
  );
  // Told by `stop`.
  working.catch(() => undefined);
  return {
    async stop(): Promise<void> {
      closing.abort();
      await working;
    },
  };
}

async function playRounds(run: Run): Promise<void> {
  const { recorder, options, pauses, note } = run;
  const undisturbed = await goesOn(recorder, options.restWithinMs);
  note(`at work after ${describe(undisturbed)}`);
  const until = performance.now() + options.forMs;
  for (const round of createSchedule({ seed: options.seed, services: options.copies })) {
    if (performance.now() > until) return;
    await playRound(run, pauses.length + 1, round);
  }
}

async function playRound(run: Run, number: number, { faults, restMs }: Round): Promise<void> {
  const { recorder, note } = run;
  const { goesOnWithinMs } = run.options;
  await Promise.all(
    faults.map(async ({ afterMs, fault }) => {
      await sleep(afterMs);
      note(`round ${number}: ${describeFault(fault)}`);
      await applyFault(fault, run);
      note(`round ${number}: over: ${fault.kind}`);
    }),
  );
  const pause = await goesOn(recorder, goesOnWithinMs * MOST_TIMES_LATE);
  note(`round ${number}: goes on after ${describe(pause)}`);
  run.pauses.push({ round: number, ...pause });
  if (pause.listed > goesOnWithinMs)
    run.faults.push(`After round ${number} work went on only after ${describe(pause)}.`);
  await sleep(restMs);
}

/** Later than this it does not go on at all. */
const MOST_TIMES_LATE = 3;

const describe = ({ accepted, ended, listed }: GoingOn) => `${accepted}, ${ended}, ${listed} ms`;

const printedBy = ({ services }: Installation) =>
  [...services.values()].map((one) => `--- ${one.name}\n${one.printed()}`).join('\n');

async function within<T>(done: Promise<T>, ms: number, otherwise: string): Promise<T> {
  const late = new AbortController();
  try {
    return await Promise.race([
      done,
      sleep(ms, undefined, { signal: late.signal }).then(() => Promise.reject(new Error(otherwise))),
    ]);
  } finally {
    late.abort();
  }
}
