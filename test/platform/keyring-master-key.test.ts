import { randomBytes } from 'node:crypto';
import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadMasterKey, parseMasterKey } from '#platform/vault/master-key.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('master key', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => void (folder = await temporaryFolder()));
  afterEach(() => folder.remove());

  it('reads hexadecimal and both kinds of base64, and nothing else', () => {
    const key = randomBytes(32);
    for (const text of [
      key.toString('hex'),
      key.toString('base64'),
      key.toString('base64url'),
      ` ${key.toString('hex')}\n`,
    ]) {
      expect(parseMasterKey(text)).to.deep.equal(key);
    }
    for (const text of ['', 'secret', key.toString('hex').slice(1), `${key.toString('base64')}A`, 'ü'.repeat(43)]) {
      expect(parseMasterKey(text), text).to.equal(undefined);
    }
  });

  it('is made once, whole, for the owner only, by many who start at once', async () => {
    const data = join(folder.path, 'data');
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadMasterKey({ folder: data })));
    expect(keys[0]).to.have.length(32);
    for (const key of keys) expect(key).to.deep.equal(keys[0]);
    expect(await readdir(data)).to.deep.equal(['master-key']);
    expect((await stat(join(data, 'master-key'))).mode & 0o777).to.equal(0o600);
  });

  it('prefers the one that is given, and makes no file then', async () => {
    const key = randomBytes(32);
    expect(await loadMasterKey({ given: key.toString('hex'), folder: folder.path })).to.deep.equal(key);
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  it('refuses what is no key, without repeating it', async () => {
    const error = await loadMasterKey({ given: 'hunter2', folder: folder.path }).catch((error: Error) => error);
    expect(error).to.be.an('error').with.property('message', 'MASTER_KEY must be 32 bytes in hexadecimal or base64');
    const path = join(folder.path, 'master-key');
    await writeFile(path, 'half a k');
    await chmod(path, 0o600);
    const broken = await loadMasterKey({ folder: folder.path }).catch((error: Error) => error);
    expect(broken).to.be.an('error').with.property('message', `${path} does not hold a master key of 32 bytes.`);
  });
});
