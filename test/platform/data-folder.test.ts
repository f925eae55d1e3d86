import { expect } from 'chai';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartError } from '#platform/errors.ts';
import { openDataFolder } from '#platform/lifecycle/data-folder.ts';

const program = fileURLToPath(new URL('./data-folder-program.ts', import.meta.url));

function refusal(open: () => unknown): StartError {
  try {
    open();
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
  throw new Error('it was opened');
}

describe('data folder', () => {
  let root: string;
  const children: ChildProcessWithoutNullStreams[] = [];
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'defter-data-'))));
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    chmodSync(root, 0o700);
    rmSync(root, { recursive: true });
  });

  async function openElsewhere(path: string, user: { uid?: number; gid?: number } = {}) {
    const child = spawn(process.execPath, [program, path], { stdio: 'pipe', ...user });
    children.push(child);
    const said = once(child.stdout.setEncoding('utf8'), 'data') as Promise<[string]>;
    const ended = once(child, 'exit').then(() => ['']);
    const [line = ''] = await Promise.race([said, ended]);
    return { child, line: line.trim() };
  }

  it('is made, for this user alone, and known again', () => {
    const path = join(root, 'a', 'b');
    const first = openDataFolder(path);
    first.close();
    const second = openDataFolder(path);
    second.close();
    expect([first.isNew, second.isNew]).to.deep.equal([true, false]);
    expect(statSync(path).mode & 0o777).to.equal(0o700);
  });

  it('is held by one at a time, in this process too', () => {
    const held = openDataFolder(root);
    const error = refusal(() => openDataFolder(root));
    expect(error.code).to.equal('data-in-use');
    held.close();
    openDataFolder(root).close();
  });

  it('names the process that holds it', async () => {
    const { child, line } = await openElsewhere(root);
    expect(line).to.equal(`open ${child.pid} true`);
    const error = refusal(() => openDataFolder(root));
    expect(error.faults).to.deep.equal([`DATA_DIR ${root} is in use by another Defter (pid ${child.pid}).`]);
  });

  it('is free again once its holder was killed, whatever the pid file says', async () => {
    const { child } = await openElsewhere(root);
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The pid of a living process, as if the number had been used again.
    writeFileSync(join(root, 'defter.pid'), JSON.stringify({ pid: process.ppid, host: 'x' }));
    openDataFolder(root).close();
  });

  it('is refused when a newer program wrote it, and let go of', () => {
    openDataFolder(root).close();
    writeFileSync(join(root, 'format'), '2\n');
    const error = refusal(() => openDataFolder(root));
    expect(error.code).to.equal('data-is-newer');
    expect(error.message).to.equal(
      `DATA_DIR ${root} was written by a newer Defter (data format 2; this program knows 1).`,
    );
    writeFileSync(join(root, 'format'), 'hello');
    expect(refusal(() => openDataFolder(root)).code).to.equal('data-unknown');
    writeFileSync(join(root, 'format'), '1\n');
    openDataFolder(root).close();
  });

  it('is refused where there can be no folder', () => {
    writeFileSync(join(root, 'file'), '');
    expect(refusal(() => openDataFolder(join(root, 'file'))).message).to.match(
      /^DATA_DIR \S+ cannot be made \(.*\)\.$/,
    );
    expect(refusal(() => openDataFolder(join(root, 'file', 'x'))).message).to.include('not a folder');
  });

  it('is refused when it cannot be written', async function () {
    const asRoot = process.getuid?.() === 0;
    openDataFolder(root).close();
    chmodSync(root, 0o555);
    // Root may write anywhere, so someone else has to try; the program must be readable for that user.
    const { line } = await openElsewhere(root, asRoot ? { uid: 65_534, gid: 65_534 } : {});
    if (asRoot && line === '') return this.skip();
    expect(line).to.equal(`data-unwritable: DATA_DIR ${root} cannot be written (permission denied).`);
  });
});
