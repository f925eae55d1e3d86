// `npm run chaos -- --minutes 30 --seed 7`: the whole of a distributed Defter under random faults, on servers of its own.
// The same seed gives the same faults and the same commands. `--judge <file>` judges a history that was kept.

import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkHistory, describeViolations } from '../support/history-checker.ts';
import { parseHistory, printHistory } from '../support/history-file.ts';
import { summarize } from '../support/history-run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { TWO_OF_EACH } from './installation.ts';
import { longestPauses } from './longest-pauses.ts';
import { runChaos } from './run-chaos.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    clients: { type: 'string', default: '6' },
    idle: { type: 'string', default: '200' },
    within: { type: 'string', default: '30' },
    out: { type: 'string' },
    judge: { type: 'string' },
  },
});
// Each process that it starts ends with it.
process.setMaxListeners(50);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const print = (line: string) => process.stdout.write(`${line}\n`);
// What clients of the servers still hold open must not keep the program.
process.exit(values.judge === undefined ? await run() : await judge(values.judge));

async function judge(file: string): Promise<number> {
  const violations = checkHistory(parseHistory(await readFile(file, 'utf8')));
  print(violations.length === 0 ? 'Every invariant holds.' : describeViolations(violations));
  return violations.length === 0 ? 0 : 1;
}

async function run(): Promise<number> {
  const seed = Number(values.seed);
  const began = performance.now();
  const folder = await temporaryFolder();
  print(`seed ${seed}, ${values.minutes} minutes`);
  try {
    const { history, faults, pauses, rounds, comeAgain, printed } = await runChaos({
      seed,
      forMs: Number(values.minutes) * 60_000,
      clients: Number(values.clients),
      idleMs: Number(values.idle),
      copies: TWO_OF_EACH,
      goesOnWithinMs: Number(values.within) * 1_000,
      restWithinMs: 180_000,
      folder: folder.path,
      say: (what) => print(`${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${what}`),
    });
    const file = values.out ?? join(tmpdir(), `defter-chaos-${seed}-${Date.now()}.json`);
    await writeFile(file, history ? printHistory(history, { printed }) : printed);
    if (history) print(JSON.stringify(summarize(history)));
    print(`come again: ${JSON.stringify(Object.fromEntries(comeAgain))}`);
    print(`the longest pauses of ${rounds} rounds: ${longestPauses(pauses)}`);
    print(`the history: ${file}`);
    for (const fault of faults) print(fault);
    print(faults.length === 0 ? 'Every invariant holds.' : `${faults.length} faults`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    await folder.remove();
  }
}
