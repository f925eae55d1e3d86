import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect } from 'chai';
import { finalError } from '#platform/errors.ts';
import { versionIndex } from '#platform/projection/versions.ts';
import { createPublishedName } from '../../projectors/versions/published-name.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';

class Refused extends finalError('refused') {}
const going = new AbortController().signal;

describe('the name by which others find a read model', () => {
  it('comes back where the engine has lost it', async () => {
    const opened = await openTemporarySearchIndex('here');
    try {
      const fields = { tenant: 'keyword', at: 'number' } as const;
      const definition = {
        name: versionIndex('things', 1),
        mappingVersion: 1,
        fields,
        sortBy: 'at',
        partitionBy: 'tenant',
      };
      await opened.index.define(definition);
      await opened.index.apply(definition.name, [{ id: 'a', revision: 0, fields: { tenant: 'acme', at: 1 } }]);
      let now = 0;
      const { index: searchIndex } = opened;
      const named = createPublishedName({ name: 'things', searchIndex, log: createQuietLog(), now: () => now });
      await named.lead(1, going);
      expect(await opened.published('things')).to.have.length(1);

      const engine = new DatabaseSync(join(opened.path, 'search.sqlite'));
      engine.exec('DROP VIEW "things"');
      engine.close();
      now += 60_000;
      await named.lead(1, going);
      expect(await opened.published('things')).to.have.length(1);
    } finally {
      await opened.close();
    }
  });

  it('is seldom looked at while nothing changes, at once where it is to lead elsewhere or could not be said', async () => {
    const said: string[] = [];
    const away = [false, true, false, false];
    const publish = (_: string, index: string) => {
      said.push(index);
      return away[said.length - 1] ? Promise.reject(new Error('away')) : Promise.resolve();
    };
    const named = createPublishedName({ name: 'x', searchIndex: { publish }, log: createQuietLog(), now: () => 0 });
    for (let n = 0; n < 5; n++) await named.lead(1, going);
    expect(said).to.deep.equal(['x-1']);
    const failed = await named.lead(2, going).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(Error);
    for (let n = 0; n < 5; n++) await named.lead(2, going);
    expect(said).to.deep.equal(['x-1', 'x-2', 'x-2']);
  });

  it('is said once to be refused', async () => {
    let now = 0;
    const log = createQuietLog();
    const publish = () => Promise.reject(new Refused('a table has that name'));
    const named = createPublishedName({ name: 'x', searchIndex: { publish }, log, now: () => (now += 60_000) });
    for (let n = 0; n < 5; n++) await named.lead(1, going);
    expect(log.lines).to.have.length(1);
  });

  it('is not waited for any more where the engine is away and the process is to end', async () => {
    const stopping = new AbortController();
    const publish = () => new Promise<never>(() => undefined);
    const named = createPublishedName({ name: 'x', searchIndex: { publish }, log: createQuietLog() });
    const ended = named.lead(1, stopping.signal).catch(() => 'ended');
    stopping.abort();
    expect(await ended).to.equal('ended');
  });
});
