// The server is killed at random moments, while it starts, just after and under load, and started again on its folder.
// FAULT_SEED repeats a run's choices (not its timing), FAULT_ROUNDS makes it longer. What the clients see and what the
// server says in the end is judged by history-checker.ts.

import { expect } from 'chai';
import { type FaultReport, runUnderFaults, summarize } from '../support/history-run.ts';
import type { MortalServer } from '../support/history-server.ts';
import { startBreakableStandIn } from '../support/eventstore-event-store.ts';

const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 4);
const CLIENTS = 6;

/** Without interruptions enough, or clients who got something done, nothing has been tried. */
function expectNoFault({ history, faults }: FaultReport, rounds: number) {
  const summary = summarize(history);
  console.log(`      seed ${SEED}: ${JSON.stringify(summary)}`);
  expect(faults).to.equal('');
  expect(summary.interruptions).to.be.at.least(rounds);
  expect(summary.acknowledged).to.be.above(rounds * CLIENTS);
  expect(summary.completed).to.be.above(rounds);
}

const kill9 = (server: MortalServer) => server.kill9();

describe(`a server that is interrupted (FAULT_SEED=${SEED} FAULT_ROUNDS=${ROUNDS})`, function () {
  this.timeout(120_000 + ROUNDS * 30_000);

  it('keeps its invariants when it is killed', async () => {
    const report = await runUnderFaults({
      seed: SEED,
      rounds: ROUNDS,
      clients: CLIENTS,
      interrupt: kill9,
      killStarts: 0.3,
    });
    expectNoFault(report, ROUNDS);
  });

  it('keeps its invariants when it is killed and its bus delivers again and out of step', async () => {
    const env = { BUS_MODE: `adversarial:${SEED}` };
    const run = { seed: SEED + 1, rounds: ROUNDS, clients: CLIENTS, interrupt: kill9, killStarts: 0.15, env };
    expectNoFault(await runUnderFaults(run), ROUNDS);
  });

  it('keeps its invariants when it is killed and its log is in EventStoreDB', async () => {
    const standIn = await startBreakableStandIn();
    try {
      const env = { EVENTSTORE_URL: standIn.url };
      const run = { seed: SEED + 3, rounds: ROUNDS, clients: CLIENTS, interrupt: kill9, killStarts: 0.15, env };
      expectNoFault(await runUnderFaults(run), ROUNDS);
    } finally {
      await standIn.stop();
    }
  });

  it('loses nothing that it accepted when it is stopped under load, and ends within 10 s with exit code 0', async () => {
    const rounds = Math.ceil(ROUNDS / 2);
    const stops: { code: number | null; milliseconds: number }[] = [];
    const interrupt = async (server: MortalServer) => void stops.push(await server.stop());
    const report = await runUnderFaults({ seed: SEED + 2, rounds, clients: CLIENTS, interrupt, killStarts: 0 });
    expectNoFault(report, rounds);
    console.log(`      stops: ${stops.map(({ milliseconds }) => `${Math.round(milliseconds)} ms`).join(', ')}`);
    for (const { code, milliseconds } of stops) {
      expect(code).to.equal(0);
      expect(milliseconds).to.be.below(10_000);
    }
  });
});
