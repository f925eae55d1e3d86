// What every vault must do. `stored`: every byte that the vault keeps anywhere, to look for what should be gone.

import { expect } from 'chai';
import type { Vault } from '#platform/vault/vault.ts';

export interface VaultUnderTest {
  /** Another connection to the same vault. */
  open(): Promise<Vault>;
  stored(): Promise<Buffer>;
  close(): Promise<void>;
}

export function vaultContract(name: string, start: () => Promise<VaultUnderTest>) {
  describe(`vault: ${name}`, () => {
    let under: VaultUnderTest;
    let vault: Vault;
    beforeEach(async () => {
      under = await start();
      vault = await under.open();
    });
    afterEach(async () => {
      await vault.close();
      await under.close();
    });

    const value = (text: string) => Buffer.from(text);
    const read = async (name: string, from = vault) => {
      const found = await from.read(name);
      return found && Buffer.from(found).toString();
    };

    it('reads what was created, byte for byte', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      expect(await vault.create('subject/a', bytes)).to.equal(true);
      expect(Buffer.from((await vault.read('subject/a'))!)).to.deep.equal(Buffer.from(bytes));
      expect(await vault.read('subject/b')).to.equal(undefined);
    });

    it('creates once and keeps the first value', async () => {
      await vault.create('subject/a', value('first'));
      expect(await vault.create('subject/a', value('second'))).to.equal(false);
      expect(await read('subject/a')).to.equal('first');
    });

    it('gives many who create at once one value', async () => {
      const others = await Promise.all([under.open(), under.open(), under.open()]);
      const made = await Promise.all(others.map((other, index) => other.create('day/a', value(`value ${index}`))));
      expect(made.filter(Boolean)).to.have.length(1);
      const winner = `value ${made.indexOf(true)}`;
      for (const other of others) {
        expect(await read('day/a', other)).to.equal(winner);
        await other.close();
      }
    });

    it('replaces, and knows an empty value from none', async () => {
      await vault.replace('secret/a', value('one'));
      await vault.replace('secret/a', value('two'));
      expect(await read('secret/a')).to.equal('two');
      await vault.replace('secret/a', value(''));
      expect(await read('secret/a')).to.equal('');
      expect(await vault.create('secret/a', value('three'))).to.equal(false);
    });

    it('lists the names that begin with a prefix, in order, and no others', async () => {
      for (const name of ['day/ab/2', 'day/a/2', 'day/a/1', 'day/b/1', 'dax', 'day', 'day/a', 'day/%/1']) {
        await vault.create(name, value('x'));
      }
      expect(await vault.list('day/a/')).to.deep.equal(['day/a/1', 'day/a/2']);
      expect(await vault.list('day/%')).to.deep.equal(['day/%/1']);
      expect(await vault.list('none')).to.deep.equal([]);
      expect(await vault.list('')).to.have.length(8);
    });

    it('keeps values over a closing and opening', async () => {
      await vault.create('subject/a', value('kept'));
      await vault.close();
      vault = await under.open();
      expect(await read('subject/a')).to.equal('kept');
    });

    it('leaves nothing of what was removed or replaced in what it stores', async () => {
      const marked = (text: string, times: number) => value(`${text}-`.repeat(times));
      for (let index = 0; index < 50; index++) {
        await vault.create(`subject/${index}`, marked('REMOVED', 40));
        await vault.create(`secret/${index}`, marked('REPLACED', index * 20 + 1));
        await vault.create(`other/${index}`, marked('STAYS', 40));
      }
      expect((await under.stored()).includes('REMOVED-REMOVED')).to.equal(true);
      for (let index = 0; index < 50; index++) {
        await vault.remove(`subject/${index}`);
        await vault.replace(`secret/${index}`, value(''));
      }
      await vault.remove('subject/0');
      expect(await vault.read('subject/7')).to.equal(undefined);
      const stored = await under.stored();
      expect(stored.includes('REMOVED-')).to.equal(false);
      expect(stored.includes('REPLACED-')).to.equal(false);
      expect(stored.includes('STAYS-')).to.equal(true);
    });
  });
}
