import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { DidNotStart, startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a damaged file in the data folder', function () {
  this.timeout(60_000);

  it('is told in a sentence; a read model may be removed, and comes back from the log', async () => {
    const folder = await temporaryFolder();
    const env = { API_KEY: randomBytes(24).toString('hex') };
    const first = await startDefter(folder.path, env);
    const submitted = await createApi(first.url, env.API_KEY)<{ id: string }>('POST', '/v1/inferences', {
      body: { model: 'language-id', input: 'bir iki üç' },
    });
    await first.stop();
    const remove = (name: string) =>
      ['', '-wal', '-shm'].forEach((end) => rmSync(join(folder.path, name + end), { force: true }));

    for (const name of ['search.sqlite', 'read-models.sqlite']) {
      remove(name);
      writeFileSync(
        join(folder.path, name),
        'this is no database, but it is long enough to be read as one. '.repeat(20),
      );
      const failure = await startDefter(folder.path, env).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).to.be.instanceOf(DidNotStart);
      const { exitCode, printed } = failure as DidNotStart;
      expect(exitCode).to.equal(1);
      expect(printed).to.match(/A database in DATA_DIR is damaged/);
      expect(printed).not.to.match(/\n +at /);
      remove(name);
    }

    const again = await startDefter(folder.path, env);
    const api = createApi(again.url, env.API_KEY);
    await eventually(async () => {
      const { body } = await api<{ data: { id: string; status: string }[] }>('GET', '/v1/inferences');
      expect(body.data).to.have.length(1);
      expect(body.data[0]).to.include({ id: submitted.body.id, status: 'completed' });
    }, 10_000);
    expect(await again.stop()).to.equal(0);
    await folder.remove();
  });
});
