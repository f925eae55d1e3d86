// What holds for the node:sqlite read store beyond the port: expiry by a clock, erasure from the files, its thread.

import { readdir, readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect } from 'chai';
import { openSqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';
import { filesWith } from '../support/files-with.ts';
import { refusal } from '../support/refusal.ts';
import { openTemporaryReadStore } from '../support/sqlite-read-models.ts';

for (const writes of ['here', 'thread'] as const) {
  describe(`read store: the node:sqlite file, writes: ${writes}`, () => {
    let under: Awaited<ReturnType<typeof openTemporaryReadStore>>;
    let now = 1_000;
    beforeEach(async () => (under = await openTemporaryReadStore(writes, () => now)));
    afterEach(() => under.close());

    it('hides what expired until it is swept, the oldest first and no more than the limit', async () => {
      const { store } = under;
      now = 1_000;
      const document = (n: number) => ({ key: `k${n}`, revision: 0, value: n, expiresAt: 2_000 + n });
      await store.apply([...[3, 1, 2, 0].map(document), { key: 'kept', revision: 0, value: 1 }]);
      const shown = async () => (await store.get(['k0', 'k1', 'k2', 'k3', 'kept'])).filter(Boolean).length;
      expect(await store.sweepExpired(1_999, 10)).to.equal(0);
      expect(await shown()).to.equal(5);
      now = 2_001;
      expect(await shown()).to.equal(3);
      expect(await store.sweepExpired(now, 1)).to.equal(1);
      expect(await store.sweepExpired(now, 10)).to.equal(1);
      expect(await store.sweepExpired(now, 10)).to.equal(0);
      now = 1_000;
      expect(await store.get(['k0', 'k1', 'k2'])).to.deep.equal([undefined, undefined, { value: 2, revision: 0 }]);
    });

    it('leaves nothing of what was deleted in its files', async () => {
      const { store, path } = under;
      const secret = (n: number) => `zq${n}secret`;
      const write = (n: number, revision: number, value: unknown) => ({ key: `k${n}`, revision, value });
      const numbers = Array.from({ length: 300 }, (_, n) => n);
      await store.apply(numbers.map((n) => write(n, 0, { text: secret(n).repeat(20) })));
      await store.put('mark', secret(1_000));
      expect(await filesWith(path, 'zq7secret')).to.not.deep.equal([]);
      await store.purge();
      await store.apply(numbers.map((n) => write(n, 1, n % 2 ? null : 'short')));
      await store.remove('mark');
      await store.purge();
      expect(await filesWith(path, 'secret')).to.deep.equal([]);
      expect(await filesWith(path, 'short')).to.deep.equal(['read-models.sqlite']);
    });

    it('refuses a file of a newer version', async () => {
      const file = new DatabaseSync(join(under.path, 'read-models.sqlite'));
      file.exec('PRAGMA user_version = 99');
      file.close();
      const error = await refusal(Error, openSqliteReadStore({ folder: under.path, writes }));
      expect(error.message).to.match(/read-models\.sqlite was written by a newer version/);
    });

    it('closes twice, and refuses work from then on', async () => {
      await under.store.close();
      await under.store.close();
      await refusal(Error, under.store.get(['a']));
      await refusal(Error, under.store.put('a', 1));
      expect(await readdir(under.path)).to.deep.equal(['read-models.sqlite']);
      expect((await readFile(join(under.path, 'read-models.sqlite'))).length).to.be.greaterThan(0);
    });
  });
}
