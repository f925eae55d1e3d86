import { stat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseConfig } from '#platform/config.ts';
import { makeFirstThings } from '../../compose/first-start.ts';
import { openPeoplePorts } from '../support/people-ports.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a first start that can show nobody what it makes', () => {
  it('leaves key and password in files for their owner alone, and makes neither again', async () => {
    const ports = await openPeoplePorts();
    const folder = await temporaryFolder();
    const passwords = {
      withRoom: () => Promise.reject(new Error('nobody signs in')),
      hash: async (text: string) => text,
      isCommon: async () => false,
      close: async () => undefined,
    };
    const start = async () => {
      const read = parseConfig({ DATA_DIR: folder.path }, {});
      if (!read.ok) throw new Error(read.faults.join());
      const { standings } = ports;
      const parts = { ports: { ...ports, passwords }, standings, config: read.config };
      return makeFirstThings({ ...parts, shown: false, log: createQuietLog() });
    };
    try {
      const { firstKey, firstAdmin } = await start();
      const files = ['first-key', 'first-admin'].map((name) => join(folder.path, name));
      expect([firstKey, firstAdmin].map((made) => 'file' in made && made.file)).to.deep.equal(files);
      for (const file of files) expect((await stat(file)).mode & 0o777).to.equal(0o600);
      const [key, admin] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
      expect(firstKey).to.include({ given: false, key: key?.trim() });
      expect(firstAdmin).to.include({ made: true, password: admin?.split('\n')[1] });
      const again = await start();
      expect(again.firstKey).to.include({ given: false, key: undefined });
      expect(again.firstAdmin).to.deep.equal({ made: false });
    } finally {
      await folder.remove();
    }
  });
});
