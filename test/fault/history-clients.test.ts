import { expect } from 'chai';
import { runClient } from '../support/history-clients.ts';
import type { Command, Recorder } from '../support/history-recorder.ts';
import type { RequestOutcome } from '../support/history.ts';

const STEPS = 150;

/** What a client sends, by command, to a server that answers each command so. */
async function commandsOf(seed: number, outcomeOf: (command: Command) => RequestOutcome) {
  const sent = new Map<string, string>();
  const closing = new AbortController();
  let calls = 0;
  const recorder: Recorder = {
    requests: [],
    reads: [],
    unexpected: [],
    comeAgain: new Map(),
    async send(command) {
      if (++calls >= STEPS) closing.abort();
      const said = JSON.stringify([command.what, command.path, command.payload, command.idempotencyKey]);
      // Of rivals there are two.
      sent.set(command.command, [...new Set([...(sent.get(command.command)?.split('\n') ?? []), said])].join('\n'));
      const body = { id: command.command, key: 'k' };
      return { outcome: outcomeOf(command), answer: { status: 202, headers: new Headers(), body } };
    },
    async read() {
      return undefined;
    },
  };
  await runClient({ recorder, seed, name: 'c', signal: closing.signal, idleMs: 0 });
  return sent;
}

describe('the callers of a fault run', () => {
  it('send the same again for the same seed, whatever was answered', async () => {
    const acknowledged = await commandsOf(3, ({ command }) => ({
      as: 'acknowledged',
      status: 202,
      token: 't',
      stream: command,
      revision: 0,
    }));
    const refused = await commandsOf(3, () => ({ as: 'refused', status: 409, code: 'conflict' }));
    // What stands on what was acknowledged before (a cancel, a revocation) has its own path.
    const both = [...acknowledged].filter(([command]) => refused.has(command) && !/cancel|revoke/.test(command));
    expect(both.length).to.be.above(40);
    for (const [command, said] of both) expect(refused.get(command), command).to.equal(said);
    const other = await commandsOf(4, () => ({ as: 'refused', status: 409, code: 'conflict' }));
    expect([...other].some(([command, said]) => refused.get(command) !== said)).to.equal(true);
  });
});
