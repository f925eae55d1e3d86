// The short run of the chaos suite: every service and every server a process, round after round of kills, freezes, cuts and
// lies, then the history checker. CHAOS_SEED repeats a run's faults and commands (not its timing), CHAOS_MINUTES makes it
// longer; `npm run chaos` is the same by hand. The servers are its own: those of the other tests must live.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describeOn } from '../services/describe-on.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SEED = process.env['CHAOS_SEED'] ?? String(Math.floor(Math.random() * 1_000_000));
const MINUTES = process.env['CHAOS_MINUTES'] ?? '1.5';
const PROGRAM = fileURLToPath(new URL('../chaos/main.ts', import.meta.url));
/** Servers and services start before the faults and come to rest after them. */
const AROUND_MS = 240_000;
/** Of a busy machine. */
const GOES_ON_WITHIN_S = '60';

const NEEDED = ['kafka', 'schema-registry', 'redis', 'elasticsearch', 's3'] as const;

describeOn(NEEDED, `the whole of it under faults (CHAOS_SEED=${SEED} CHAOS_MINUTES=${MINUTES})`, () => {
  it('keeps its invariants', async function () {
    this.timeout(Number(MINUTES) * 60_000 + AROUND_MS);
    const folder = await temporaryFolder();
    const history = join(folder.path, 'history.json');
    const args = [
      '--minutes',
      MINUTES,
      '--seed',
      SEED,
      '--within',
      GOES_ON_WITHIN_S,
      '--clients',
      '4',
      '--out',
      history,
    ];
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const killWithUs = () => void child.kill('SIGTERM');
    process.once('exit', killWithUs);
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const [code] = (await once(child, 'close')) as [number | null];
    process.off('exit', killWithUs);
    console.log(printed.replaceAll(/^/gm, '      '));
    expect(code, printed.slice(-6_000)).to.equal(0);
    const acknowledged = Number(/"acknowledged":(\d+)/.exec(printed)?.[1]);
    expect(acknowledged, 'callers must have got something done').to.be.above(20);
    // A history that something is wrong with is kept, for `npm run chaos -- --judge`.
    await folder.remove();
  });
});
