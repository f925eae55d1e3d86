import { expect } from 'chai';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('./runtime-flags-program.ts', import.meta.url));

describe('a program begun without its flags', () => {
  async function run(...args: string[]) {
    const running = promisify(execFile)(process.execPath, args);
    const lines = (await running).stdout.trim().split('\n');
    const [main = '', thread = ''] = lines;
    const { execArgv, ...rest } = JSON.parse(main) as { pid: number; execArgv: string[]; args: string[] };
    return { child: running.child.pid, execArgv, ...rest, ...(JSON.parse(thread) as { grown: number }) };
  }

  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  it('begins anew with them, as the same process, with its own arguments, its threads alike', async () => {
    const { child, pid, args, execArgv, grown } = await run(program, 'migrate', '--now');
    expect(pid).to.equal(child);
    expect(args).to.deep.equal(['migrate', '--now']);
    expect(execArgv).to.deep.equal(['--max-semi-space-size=16']);
    expect(grown).to.be.within(4 * 2 ** 20, 40 * 2 ** 20);
  });

  it('lets the command line’s own flags win: they come last', async () => {
    const { execArgv } = await run('--max-semi-space-size=32', program);
    expect(execArgv.at(-1)).to.equal('--max-semi-space-size=32');
  });

  it('goes on as it is where its parent talks with it by Node’s own channel', async () => {
    const child = fork(program, [], { execArgv: [], silent: true });
    const said: string[] = [];
    child.stdout?.on('data', (chunk) => said.push(String(chunk)));
    await once(child, 'close');
    expect((JSON.parse(said.join('').split('\n')[0] ?? '') as { execArgv: string[] }).execArgv).to.deep.equal([]);
  });
});
