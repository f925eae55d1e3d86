import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Keyring,
  MasterKeyMismatch,
  openKeyring,
  SubjectErased,
  SubjectUnknown,
} from '#platform/vault/keyring.ts';
import { SealBroken } from '#platform/vault/sealing.ts';
import { openSqliteVault } from '#platform/vault/sqlite-vault.ts';
import type { KeyringThreadData } from '../support/keyring-thread.ts';
import { createMemoryVault } from '../support/memory-vault.ts';
import { storedBytes } from '../support/stored-bytes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const masterKey = randomBytes(32);
const NOON = Date.UTC(2026, 2, 29, 12);
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('keyring', () => {
  let vault: ReturnType<typeof createMemoryVault>;
  let now: number;
  const opened: Keyring[] = [];
  const open = async (key: Uint8Array = masterKey) => {
    const keyring = await openKeyring({ vault, masterKey: key, now: () => now });
    opened.push(keyring);
    return keyring;
  };
  beforeEach(() => {
    vault = createMemoryVault();
    now = NOON;
  });
  afterEach(() => opened.splice(0).forEach((keyring) => keyring.close()));

  it('opens what it sealed, for any bytes', async () => {
    const keyring = await open();
    await keyring.createSubject('acme');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.option(fc.uint8Array()), async (bytes, aad) => {
        const { keyId, sealed } = await keyring.seal('acme', bytes, now, aad ?? undefined);
        expect(keyId).to.equal('acme/2026-03-29');
        expect(await keyring.open('acme', keyId, sealed, aad ?? undefined)).to.deep.equal(Buffer.from(bytes));
      }),
    );
  });

  it('refuses what was changed anywhere, other associated data, and other subjects', async () => {
    const keyring = await open();
    await keyring.createSubject('acme');
    await keyring.createSubject('acme.b');
    const { keyId, sealed } = await keyring.seal('acme', Buffer.from('content'), now, Buffer.from('owner'));
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 1;
      expect(await failure(keyring.open('acme', keyId, changed, Buffer.from('owner')))).to.be.instanceOf(SealBroken);
      const cut = sealed.subarray(0, index);
      expect(await failure(keyring.open('acme', keyId, cut, Buffer.from('owner')))).to.be.instanceOf(SealBroken);
    }
    expect(await failure(keyring.open('acme', keyId, sealed))).to.be.instanceOf(SealBroken);
    expect(await failure(keyring.open('acme.b', keyId, sealed))).to.be.instanceOf(SealBroken);
    const other = await keyring.seal('acme.b', Buffer.from('x'));
    expect(await failure(keyring.open('acme.b', other.keyId, sealed))).to.be.instanceOf(SealBroken);
  });

  it('never seals the same twice alike', async () => {
    const keyring = await open();
    await keyring.createSubject('acme');
    const seals = new Set<string>();
    for (let index = 0; index < 2_000; index++) {
      seals.add((await keyring.seal('acme', Buffer.from('same'))).sealed.subarray(1, 13).toString('hex'));
    }
    expect(seals.size).to.equal(2_000);
  });

  it('has one key per subject and UTC day', async () => {
    const keyring = await open();
    await keyring.createSubject('acme');
    await keyring.createSubject('other');
    const midnight = Date.UTC(2026, 2, 30);
    const ids = [];
    for (const [subject, at] of [
      ['acme', midnight - 1],
      ['acme', midnight],
      ['other', midnight],
    ] as const) {
      ids.push((await keyring.seal(subject, Buffer.from('x'), at)).keyId);
    }
    expect(ids).to.deep.equal(['acme/2026-03-29', 'acme/2026-03-30', 'other/2026-03-30']);
    expect(await vault.list('day/')).to.deep.equal(ids.map((id) => `day/${id}`));
  });

  it('keeps its keys over a restart, and nothing readable in the vault', async () => {
    const first = await open();
    expect(await first.createSubject('acme')).to.equal('created');
    const { keyId, sealed } = await first.seal('acme', Buffer.from('kept'));
    const { key } = await first.dataKey('acme');
    const again = await open();
    expect(await again.createSubject('acme')).to.equal('existed');
    expect((await again.open('acme', keyId, sealed)).toString()).to.equal('kept');
    const stored = Buffer.concat([...vault.entries.values()]);
    expect(stored.includes(key.export())).to.equal(false);
    expect(stored.includes(masterKey)).to.equal(false);
  });

  it('says in one sentence that a master key is another one', async () => {
    await open();
    const error = await failure(open(randomBytes(32)));
    expect(error).to.be.instanceOf(MasterKeyMismatch);
    expect(error).to.have.property('message', 'MASTER_KEY does not belong to this data');
    expect(await failure(open(randomBytes(16)))).to.be.instanceOf(MasterKeyMismatch);
    await open();
  });

  it('seals only for subjects that were created', async () => {
    const keyring = await open();
    expect(await failure(keyring.seal('nobody', Buffer.from('x')))).to.be.instanceOf(SubjectUnknown);
    for (const subject of ['', '..', 'a/b', 'a b', '/a', 'é', 'a'.repeat(129)]) {
      expect(await failure(keyring.createSubject(subject)), subject).to.be.instanceOf(TypeError);
    }
    await keyring.createSubject('nobody');
    await keyring.seal('nobody', Buffer.from('x'));
  });

  it('erases for good: nothing opens, nothing seals, and the subject cannot come back', async () => {
    const keyring = await open();
    await keyring.createSubject('acme');
    await keyring.createSubject('acme-2');
    const { keyId, sealed } = await keyring.seal('acme', Buffer.from('x'));
    const other = await keyring.seal('acme-2', Buffer.from('stays'));
    await keyring.eraseSubject('acme');
    await keyring.eraseSubject('acme');
    for (const ring of [keyring, await open()]) {
      expect(await ring.open('acme', keyId, sealed)).to.equal('erased');
      expect(await failure(ring.seal('acme', Buffer.from('x')))).to.be.instanceOf(SubjectErased);
      expect(await failure(ring.createSubject('acme'))).to.be.instanceOf(SubjectErased);
      expect((await ring.open('acme-2', other.keyId, other.sealed)).toString()).to.equal('stays');
    }
    expect(await vault.list('day/acme/')).to.deep.equal([]);
    expect(vault.entries.get('subject/acme')).to.have.length(0);
  });

  it('forgets cached keys within 60 s of an erasure elsewhere', async () => {
    const [here, elsewhere] = [await open(), await open()];
    await here.createSubject('acme');
    const { keyId, sealed } = await here.seal('acme', Buffer.from('x'));
    await elsewhere.eraseSubject('acme');
    expect((await here.open('acme', keyId, sealed)).toString()).to.equal('x');
    now += 60_000;
    expect(await here.open('acme', keyId, sealed)).to.equal('erased');
    expect(await failure(here.seal('acme', Buffer.from('x')))).to.be.instanceOf(SubjectErased);
  });

  it('reads the vault once for many who ask at once, and answers at once from then on', async () => {
    const first = await open();
    await first.createSubject('acme');
    const { keyId, sealed } = await first.seal('acme', Buffer.from('x'));
    const keyring = await open();
    vault.reads.length = 0;
    await Promise.all(Array.from({ length: 50 }, () => keyring.open('acme', keyId, sealed)));
    expect(vault.reads.sort()).to.deep.equal(['day/acme/2026-03-29', 'subject/acme']);
    expect(keyring.dataKey('acme')).to.have.property('keyId', keyId);
    expect(keyring.keyOf('acme', keyId)).not.to.be.instanceOf(Promise);
  });

  it('seals with the first key of the day also where another asked for it just before it was made', async () => {
    const vault = createMemoryVault();
    const read = Promise.withResolvers<void>();
    let second: Promise<unknown> | undefined;
    const keyring = await openKeyring({
      masterKey,
      vault: {
        ...vault,
        async create(name, value) {
          // Another finds nothing yet, and is told so only after the first has made the key and asked again.
          if (name.startsWith('day/')) second ??= keyring.seal('acme', Buffer.from('second'));
          if (second) await read.promise;
          return vault.create(name, value);
        },
        async read(name) {
          const found = await vault.read(name);
          if (!second || !name.startsWith('day/')) return found;
          read.resolve();
          await new Promise((resolve) => setImmediate(resolve));
          return found;
        },
      },
    });
    await keyring.createSubject('acme');
    const { keyId, sealed } = await keyring.seal('acme', Buffer.from('first'));
    expect((await keyring.open('acme', keyId, sealed)).toString()).to.equal('first');
    await second;
    keyring.close();
  });

  it('keeps secrets for their owner only', async () => {
    const keyring = await open();
    await keyring.putSecret('credential-1', 'sk-first', 'acme');
    await keyring.putSecret('credential-1', 'sk-second', 'acme');
    await keyring.putSecret('credential-2', 'sk-two', 'acme');
    expect(await keyring.readSecret('credential-1', 'acme')).to.equal('sk-second');
    expect(await failure(keyring.readSecret('credential-1', 'other'))).to.be.instanceOf(SealBroken);
    vault.entries.set('secret/credential-1', vault.entries.get('secret/credential-2')!);
    expect(await failure(keyring.readSecret('credential-1', 'acme'))).to.be.instanceOf(SealBroken);
    await keyring.removeSecret('credential-1');
    expect(await keyring.readSecret('credential-1', 'acme')).to.equal(undefined);
  });
});

describe('keyring over the SQLite vault', () => {
  it('gives threads that race one key per subject and day', async () => {
    const folder = await temporaryFolder();
    const subjects = Array.from({ length: 15 }, (_, index) => `subject-${index}`);
    const threads = 3;
    const ready = new Int32Array(new SharedArrayBuffer(4));
    const workerData: KeyringThreadData = { folder: folder.path, masterKey, subjects, threads, ready };
    const url = new URL('../support/keyring-thread.ts', import.meta.url);
    const answers = await Promise.all(
      Array.from({ length: threads }, async () => {
        const thread = new Worker(url, { workerData });
        const [sealed] = (await once(thread, 'message')) as [{ subject: string; keyId: string; sealed: Uint8Array }[]];
        return sealed;
      }),
    );
    const vault = openSqliteVault(join(folder.path, 'vault.sqlite'));
    const keyring = await openKeyring({ vault, masterKey });
    expect(answers.flat()).to.have.length(threads * subjects.length);
    for (const { subject, keyId, sealed } of answers.flat()) {
      expect((await keyring.open(subject, keyId, sealed)).toString()).to.equal(subject);
    }
    keyring.close();
    await vault.close();
    await folder.remove();
  });

  it('leaves no wrapped key of an erased subject in the files', async () => {
    const folder = await temporaryFolder();
    const vault = openSqliteVault(join(folder.path, 'vault.sqlite'));
    const keyring = await openKeyring({ vault, masterKey });
    await keyring.createSubject('acme');
    await keyring.createSubject('other');
    const { keyId } = await keyring.seal('acme', Buffer.from('x'));
    const wrapped = [await vault.read('subject/acme'), await vault.read(`day/${keyId}`)];
    const stays = await vault.read('subject/other');
    expect(wrapped.every((bytes) => storedBytes(folder.path).includes(Buffer.from(bytes!)))).to.equal(true);
    await keyring.eraseSubject('acme');
    const stored = storedBytes(folder.path);
    expect(wrapped.some((bytes) => stored.includes(Buffer.from(bytes!)))).to.equal(false);
    expect(stored.includes(Buffer.from(stays!))).to.equal(true);
    keyring.close();
    await vault.close();
    await folder.remove();
  });
});
