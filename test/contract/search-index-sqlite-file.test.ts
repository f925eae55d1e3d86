// What holds for the node:sqlite search index beyond the port: erasure from the files, its plans, several at once.

import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  type IndexDefinition,
  idOfNumber,
  IndexShapeDiffers,
  type SearchQuery,
  SearchTimedOut,
} from '#platform/search-index/search-index.ts';
import { openSqliteSearchIndex } from '#platform/search-index/sqlite-search-index.ts';
import { eventually } from '../support/eventually.ts';
import { filesWith } from '../support/files-with.ts';
import { refusal } from '../support/refusal.ts';
import { createSearchModel } from '../support/search-index-model.ts';
import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';

const definition: IndexDefinition = {
  name: 'notes',
  fields: { tenant: 'code', author: 'keyword', at: 'number', words: 'text' },
  sortBy: 'at',
  partitionBy: 'tenant',
};
const all: SearchQuery = { partition: 'acme', order: 'ascending', limit: 1_000 };

for (const reads of ['here', 'thread'] as const) {
  describe(`search index: the node:sqlite file, reads: ${reads}`, () => {
    let under: Awaited<ReturnType<typeof openTemporarySearchIndex>>;
    beforeEach(async () => {
      under = await openTemporarySearchIndex(reads);
      await under.index.define(definition);
    });
    afterEach(() => under.close());

    it('leaves nothing of what was deleted or replaced in its files', async () => {
      const { index, path } = under;
      const numbers = Array.from({ length: 900 }, (_, n) => n);
      const scattered = (n: number) => ((n * 7_919) % 900).toString(36);
      const write = (n: number, revision: number) => ({
        id: `${scattered(n)}-${n}`,
        revision,
        fields: {
          tenant: 'acme',
          author: `${scattered(n)}-zqauthor`,
          at: n,
          words: `${scattered(n)}zqword common ${'filler '.repeat(n % 30)} q${n}zqtail`,
        },
      });
      for (let from = 0; from < 900; from += 150) {
        await index.apply(
          'notes',
          numbers.slice(from, from + 150).map((n) => write(n, 0)),
        );
      }
      expect(await filesWith(path, 'zqword')).to.not.deep.equal([]);
      await index.purge();
      expect(await filesWith(path, 'zqauthor')).to.deep.equal(['search.sqlite']);
      const kept = { tenant: 'acme', author: 'someone', at: 1, words: 'common' };
      await index.apply(
        'notes',
        numbers.map((n) => ({ ...write(n, 1), fields: n % 3 ? null : kept })),
      );
      await index.purge();
      for (const text of ['zqword', 'zqauthor', 'zqtail', 'filler'])
        expect(await filesWith(path, text), text).to.deep.equal([]);
      const text = { field: 'words', words: ['common'] };
      expect((await index.search('notes', { ...all, text })).length).to.equal(300);
      const file = new DatabaseSync(join(path, 'search.sqlite'));
      file.exec(`INSERT INTO "words notes words" ("words notes words") VALUES ('integrity-check')`);
      expect(file.prepare('PRAGMA integrity_check').get()).to.deep.include({ integrity_check: 'ok' });
      file.close();
    });

    it('leaves nothing of an index that was dropped in its files', async () => {
      const { index, path } = under;
      await index.define({ ...definition, name: 'notes-2' });
      const fields = (n: number) => ({
        tenant: 'zqtenant',
        author: `zqauthor-${n}`,
        at: n,
        words: `zqword${n} common`,
      });
      const writes = Array.from({ length: 600 }, (_, n) => ({ id: `zqid-${n}`, revision: 0, fields: fields(n) }));
      await index.apply('notes', writes, { projection: 'zqprojection', positions: new Map([['t/0', 1n]]) });
      const kept = { id: 'kept', revision: 0, fields: { ...fields(0), author: 'keptauthor' } };
      await index.apply('notes-2', [{ ...kept, fields: { ...kept.fields, tenant: 'acme', words: 'common' } }]);
      await index.drop('notes');
      await index.purge();
      for (const text of ['zqtenant', 'zqauthor', 'zqword', 'zqid', 'zqprojection'])
        expect(await filesWith(path, text), text).to.deep.equal([]);
      const text = { field: 'words', words: ['common'] };
      expect((await index.search('notes-2', { ...all, text })).map(({ id }) => id)).to.deep.equal(['kept']);
      const file = new DatabaseSync(join(path, 'search.sqlite'));
      expect(file.prepare(`SELECT name FROM sqlite_schema WHERE name GLOB '* notes*'`).all().length).to.be.greaterThan(
        0,
      );
      expect(file.prepare(`SELECT name FROM sqlite_schema WHERE name GLOB '* notes' OR name GLOB '* notes *'`).all())
        .to //
        .deep.equal([]);
      file.close();
    });

    it('builds anew what an older version of the program left in the file', async () => {
      await under.index.drop('notes');
      await under.index.close();
      const file = new DatabaseSync(join(under.path, 'search.sqlite'));
      file.exec(`DROP TABLE search_index; PRAGMA user_version = 1;
        CREATE TABLE definition (name TEXT PRIMARY KEY, shape TEXT NOT NULL) WITHOUT ROWID, STRICT;
        CREATE TABLE "docs notes" (doc INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL) STRICT;
        CREATE VIRTUAL TABLE "words notes old" USING fts5(words);
        INSERT INTO "docs notes" VALUES (1, 'old', 9); INSERT INTO definition VALUES ('notes', '{}');
        INSERT INTO checkpoint VALUES ('notes', 'p', 't/0', 5)`);
      file.close();
      const index = await openSqliteSearchIndex({ folder: under.path, reads });
      await index.define(definition);
      expect([...(await index.positions('notes', 'p')).written]).to.deep.equal([]);
      await index.apply('notes', [{ id: 'old', revision: 0, fields: { tenant: 'acme', at: 1 } }]);
      expect((await index.search('notes', all)).map(({ id }) => id)).to.deep.equal(['old']);
      await index.close();
    });

    it('says of an index that lies otherwise in the file that it has another shape', async () => {
      await under.index.close();
      const file = new DatabaseSync(join(under.path, 'search.sqlite'));
      const { shape } = file.prepare(`SELECT shape FROM search_index WHERE name = 'notes'`).get() as { shape: string };
      const { layout, ...rest } = JSON.parse(shape) as { layout: number };
      const older = JSON.stringify({ layout: layout - 1, ...rest });
      file.prepare(`UPDATE search_index SET shape = ? WHERE name = 'notes'`).run(older);
      file.close();
      const index = await openSqliteSearchIndex({ folder: under.path, reads });
      await refusal(IndexShapeDiffers, index.define(definition));
      await index.drop('notes');
      await index.define(definition);
      await index.close();
    });

    it('gives up a search that takes too long, and answers the next one', async () => {
      const { index, path } = under;
      const many = Array.from({ length: 20_000 }, (_, at) => ({
        id: `${at}`,
        revision: 0,
        fields: { tenant: 'acme', at },
      }));
      await index.apply('notes', many);
      const hasty = await openSqliteSearchIndex({ folder: path, reads, searchWithinMs: 2 });
      const last = { ...all, limit: 1, conditions: [{ field: 'at', from: 19_999 }] };
      const sorted = { ...last, conditions: [{ field: 'author', in: ['nobody'] }] };
      const slow = await Promise.allSettled([
        ...Array.from({ length: 20 }, () => hasty.search('notes', sorted)),
        ...Array.from({ length: 20 }, () => hasty.aggregate('notes', 'author', { partition: undefined })),
      ]);
      const reasons = slow.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
      expect(reasons.length).to.be.greaterThan(0);
      for (const reason of reasons) expect(reason).to.be.instanceOf(SearchTimedOut).and.include({ retriable: true });
      await eventually(async () => expect((await hasty.search('notes', { ...all, limit: 1 })).length).to.equal(1));
      await hasty.close();
      expect((await index.search('notes', last)).length).to.equal(1);
    });

    it('is opened, defined and written by several at once', async () => {
      const others = await Promise.all(
        Array.from({ length: 4 }, () => openSqliteSearchIndex({ folder: under.path, reads })),
      );
      await Promise.all(others.map((other, i) => other.define({ ...definition, name: i % 2 ? 'one' : 'two' })));
      await Promise.all(
        others.map(async (other, i) => {
          for (let n = 0; n < 30; n++) {
            const fields = { tenant: `t${n % 7}`, at: n, author: `a${i}`, words: `w${n} by${i}` };
            await other.apply('notes', [
              { id: `${i}-${n}`, revision: 0, fields },
              { id: 'shared', revision: n, fields },
            ]);
          }
        }),
      );
      for (const other of [...others, under.index]) {
        expect(
          await other.aggregate('notes', 'author', { partition: undefined, conditions: [{ field: 'at', to: 28 }] }),
        ).to.deep.equal(others.map((_, i) => ({ value: `a${i}`, count: 29 })));
        const hits = await other.search('notes', { ...all, partition: 't1', text: { field: 'words', words: ['w29'] } });
        expect(hits.map(({ id }) => id)).to.deep.equal(['0-29', '1-29', '2-29', '3-29', 'shared']);
      }
      await Promise.all(others.map((other) => other.close()));
    });

    it('gives no code that went back with its transaction', async () => {
      const { index } = under;
      const write = { id: 'a', revision: 0, fields: { tenant: 'acme', at: 1 } };
      const tooLarge = { projection: 'p', positions: new Map([['t/0', 2n ** 70n]]) };
      await refusal(Error, index.apply('notes', [write], tooLarge));
      expect(await index.search('notes', { ...all, partition: undefined })).to.deep.equal([]);
      await index.apply('notes', [write]);
      expect((await index.search('notes', all)).map(({ fields }) => fields['tenant'])).to.deep.equal(['acme']);
    });

    it('refuses a file of a newer version', async () => {
      await under.index.close();
      const file = new DatabaseSync(join(under.path, 'search.sqlite'));
      file.exec('PRAGMA user_version = 99');
      file.close();
      const error = await refusal(Error, openSqliteSearchIndex({ folder: under.path, reads }));
      expect(error.message).to.match(/search\.sqlite was written by a newer version/);
    });

    it('reads a page of a list from its secondary index, without sorting', async () => {
      const { index, path } = under;
      const ids = Array.from({ length: 20_000 }, (_, n) => `id-${n}`);
      await index.apply(
        'notes',
        ids.map((id, n) => ({ id, revision: 0, fields: { tenant: `t${n % 2}`, at: n } })),
      );
      const file = new DatabaseSync(join(path, 'search.sqlite'), { readOnly: true });
      const plan = file
        .prepare(
          `EXPLAIN QUERY PLAN SELECT id FROM "docs notes" WHERE ("f_at", id) < (?, ?) AND "f_tenant" = ?
           ORDER BY "f_at" DESC, "docs notes".id DESC LIMIT 10`,
        )
        .all(5, 'x', 1)
        .map((row) => row['detail']);
      file.close();
      expect(plan).to.deep.equal([
        'SEARCH docs notes USING COVERING INDEX order notes (f_tenant=? AND (f_at,id)<(?,?))',
      ]);
    });

    it('reads pages of numbered documents by their numbers, of one partition and of all, without sorting', async () => {
      const { index, path } = under;
      await index.define({ ...definition, name: 'log', numbered: true });
      const planOf = (where: string) => {
        const file = new DatabaseSync(join(path, 'search.sqlite'), { readOnly: true });
        const sql = `EXPLAIN QUERY PLAN SELECT doc FROM "docs log" WHERE doc < ? AND ${where} ORDER BY doc DESC LIMIT 9`;
        const plan = file.prepare(sql).all(5);
        file.close();
        return plan.map((row) => row['detail']);
      };
      expect(planOf('"f_tenant" = 1')).to.deep.equal([
        'SEARCH docs log USING COVERING INDEX order log (f_tenant=? AND rowid<?)',
      ]);
      expect(planOf('+"f_tenant" IS NOT NULL')).to.deep.equal(['SEARCH docs log USING INTEGER PRIMARY KEY (rowid<?)']);
    });

    it('finds among many documents what its model finds, though it looks at few', async () => {
      const { index } = under;
      const many: IndexDefinition = {
        name: 'many',
        fields: { tenant: 'code', type: 'code', by: 'code', number: 'number', time: 'number', words: 'text' },
        sortBy: 'number',
        partitionBy: 'tenant',
        numbered: true,
        findBy: ['type', 'by'],
        rising: 'time',
      };
      await index.define(many);
      const model = createSearchModel(many);
      // Times step back now and then, and some documents come long after those with greater numbers.
      const writes = Array.from({ length: 6_000 }, (_, n) => ({
        id: idOfNumber(n),
        revision: 0,
        fields: {
          tenant: n % 50 ? 'acme' : 'other',
          type: n % 1_000 === 7 ? 'rare' : n % 2 ? 'odd' : n % 4 ? 'even' : null,
          by: `u${n % 100}`,
          number: n,
          time: n * 10 - (n % 700 === 699 ? 5_000 : 0),
          words: `common w${n % 10} ${n < 1_500 ? 'early' : ''} ${n % 997 === 3 ? 'needle' : ''}`,
        },
      }));
      const late = (n: number) => n % 11 === 5;
      const batches = [writes.filter((_, n) => !late(n)), writes.filter((_, n) => late(n))];
      for (const batch of batches) {
        for (let from = 0; from < batch.length; from += 450) {
          const part = batch.slice(from, from + 450);
          await index.apply('many', part);
          model.apply(part);
        }
      }
      const text = (...words: string[]) => ({ text: { field: 'words', words } });
      const conditions = (...some: NonNullable<SearchQuery['conditions']>) => ({ conditions: some });
      const queries: Partial<SearchQuery>[] = [
        {},
        text('common'),
        text('needle'),
        text('need*'),
        text('early'),
        text('e*', 'w3'),
        text('common', 'earl*'),
        text('common', 'needl*'),
        text('w3', 'needle'),
        text('nowhere'),
        { ...text('needle'), ...conditions({ field: 'by', in: ['u3', 'u0'] }) },
        { ...text('early'), ...conditions({ field: 'type', in: ['rare', 'odd'] }) },
        { ...text('early'), ...conditions({ field: 'time', from: 9_000, to: 20_000 }) },
        conditions({ field: 'type', in: ['rare'] }),
        conditions({ field: 'type', notIn: ['odd'] }),
        conditions({ field: 'type', in: ['odd'] }, { field: 'by', in: ['u7', 'u8'] }),
        conditions({ field: 'time', from: 30_000, to: 30_500 }),
        conditions({ field: 'time', to: 2_000 }, { field: 'by', in: ['u5'] }),
        conditions({ field: 'time', from: 1e9 }),
        conditions({ field: 'number', from: 100.5, to: 180 }),
      ];
      for (const query of queries)
        for (const partition of ['acme', ['other', 'acme'], undefined])
          for (const order of ['ascending', 'descending'] as const)
            for (const after of [undefined, { sort: 3_100, id: idOfNumber(3_100) }]) {
              const whole = { ...query, partition, order, limit: 40, ...(after && { after }) };
              const found = await index.search('many', whole);
              expect(found, JSON.stringify(whole)).to.deep.equal(model.search(whole));
            }
    });

    it('finds the documents of a value in their order, without a look at others', async () => {
      const { index, path } = under;
      const found: IndexDefinition = { ...definition, name: 'found', fields: { ...definition.fields, kind: 'code' } };
      await index.define({ ...found, numbered: true, findBy: ['kind'] });
      const file = new DatabaseSync(join(path, 'search.sqlite'), { readOnly: true });
      const plan = file
        .prepare(
          `EXPLAIN QUERY PLAN SELECT doc FROM "docs found" INDEXED BY "find found kind"
           WHERE "f_tenant" = 1 AND "f_kind" = 2 AND doc >= ? AND doc <= ? ORDER BY doc DESC LIMIT 9`,
        )
        .all(0, 9)
        .map((row) => row['detail']);
      file.close();
      expect(plan).to.deep.equal([
        'SEARCH docs found USING COVERING INDEX find found kind (f_tenant=? AND f_kind=? AND rowid>? AND rowid<?)',
      ]);
    });

    it('closes twice, and refuses work from then on', async () => {
      await under.index.close();
      await under.index.close();
      await refusal(Error, under.index.search('notes', all));
      await refusal(Error, under.index.apply('notes', []));
    });
  });
}
