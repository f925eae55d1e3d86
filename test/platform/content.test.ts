import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { createBlobs } from '#platform/blobs/blobs.ts';
import type { BlobStore } from '#platform/blobs/blob-store.ts';
import { openFolderBlobStore } from '#platform/blobs/folder-blob-store.ts';
import {
  BlobMissing,
  type Contents,
  createContents,
  ERASED,
  ERASED_TEXT,
  INLINE_BYTES,
  showErased,
} from '#platform/content/content.ts';
import { type JustSealed, openJustSealed } from '#platform/content/just-sealed.ts';
import { type Keyring, openKeyring } from '#platform/vault/keyring.ts';
import { SealBroken } from '#platform/vault/sealing.ts';
import { createMemoryVault } from '../support/memory-vault.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('content', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let store: BlobStore;
  let keyring: Keyring;
  let contents: Contents;
  beforeEach(async () => {
    folder = await temporaryFolder();
    store = await openFolderBlobStore(folder.path);
    keyring = await openKeyring({ vault: createMemoryVault(), masterKey: randomBytes(32) });
    for (const tenant of ['acme', 'other']) await keyring.createSubject(tenant);
    contents = createContents({ keyring, blobs: createBlobs({ store, keyring }) });
  });
  afterEach(async () => {
    keyring.close();
    await folder.remove();
  });

  it('opens what it sealed, for any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const content = await contents.seal('acme', value);
        const text = JSON.stringify(value);
        expect(content.bytes).to.equal(Buffer.byteLength(text));
        expect(JSON.stringify(await contents.open('acme', content))).to.equal(text);
      }),
    );
  });

  it('keeps small content in the event and large content in a blob', async () => {
    const ofBytes = (bytes: number) => 'ş'.repeat((bytes - 2) / 2);
    for (const [bytes, inline] of [
      [INLINE_BYTES, true],
      [INLINE_BYTES + 2, false],
      [1_000_000, false],
    ] as const) {
      const content = await contents.seal('acme', ofBytes(bytes));
      expect(content.bytes).to.equal(bytes);
      expect([content.sealed !== null, content.blob === null]).to.deep.equal([inline, inline]);
      if (content.blob !== null) expect(await store.read(content.blob)).to.have.length.above(bytes);
      expect(await contents.open('acme', content)).to.equal(ofBytes(bytes));
    }
  });

  it("names its own key, so that one event may hold a tenant's and a person's", async () => {
    const [tenants, persons] = [await contents.seal('acme', 'a prompt'), await contents.seal('other', 'a name')];
    await keyring.eraseSubject('other');
    expect(await contents.open('acme', tenants)).to.equal('a prompt');
    expect(await contents.open('other', persons)).to.equal(ERASED);
  });

  describe('sealed by another thread a moment ago', () => {
    let there: JustSealed;
    let here: JustSealed;
    beforeEach(() => ([there, here] = [openJustSealed(), openJustSealed()]));
    afterEach(() => [there, here].forEach((one) => one.close()));

    const sealedThere = async (value: unknown) => {
      const blobs = createBlobs({ store, keyring });
      const content = await createContents({ keyring, blobs, justSealed: there }).seal('acme', value);
      let taken: string | undefined;
      await eventually(() => expect((taken ??= here.take(content.keyId, content.sealed!))).not.to.equal(undefined));
      const taking = { tell: () => undefined, take: () => taken };
      return { content, taken, reader: createContents({ keyring, blobs, justSealed: taking }) };
    };

    it('is taken as it was told, once, and only for what was sealed', async () => {
      const { content, taken, reader } = await sealedThere({ text: 'told' });
      expect(taken).to.equal('{"text":"told"}');
      expect(here.take(content.keyId, content.sealed!)).to.equal(undefined);
      expect(here.take('other/2026-08-01', content.sealed!)).to.equal(undefined);
      expect(await reader.open('acme', content)).to.deep.equal({ text: 'told' });
    });

    it('is told to nobody once what it is told by is closed', async () => {
      there.close();
      there.tell('key', 'sealed', 'late');
      there = openJustSealed();
      there.tell('key', 'sealed after it', 'heard');
      await eventually(() => expect(here.take('key', 'sealed after it')).to.equal('heard'));
      expect(here.take('key', 'sealed')).to.equal(undefined);
    });

    it('is heard by a thread only while it uses what it hears', async () => {
      here.take('key', 'nothing yet');
      const other = new BroadcastChannel('defter just sealed');
      for (let n = 0; n < 300; n++) other.postMessage([[`key sealed ${n}`, 'unused']]);
      other.postMessage([['key sealed last', 'not heard']]);
      let told = 0;
      await eventually(() => {
        there.tell('key', `again ${++told}`, 'heard');
        expect(here.take('key', `again ${told - 1}`)).to.equal('heard');
      });
      expect(here.take('key', 'sealed last')).to.equal(undefined);
      other.close();
    });

    it('is ERASED all the same once the tenant is, and opens for no other', async () => {
      const { content, reader } = await sealedThere('told');
      expect(await failure((async () => reader.open('other', content))())).to.be.instanceOf(Error);
      await keyring.eraseSubject('acme');
      expect(await reader.open('acme', content)).to.equal(ERASED);
    });
  });

  /** Whether it throws at once or rejects. */
  const opened = async (...given: Parameters<Contents['open']>) => contents.open(...given);

  it('lets no one read it without the key: not in the event, not by another tenant', async () => {
    const content = await contents.seal('acme', 'a secret prompt');
    expect(Buffer.from(content.sealed!, 'base64').includes('secret')).to.equal(false);
    const foreign = await contents.seal('other', 'x');
    expect(await failure(opened('other', content))).to.be.instanceOf(SealBroken);
    expect(await failure(opened('other', { ...content, keyId: foreign.keyId }))).to.be.instanceOf(SealBroken);
  });

  it('answers ERASED once the tenant is, in the event and in blobs', async () => {
    const small = await contents.seal('acme', 'small');
    const large = await contents.seal('acme', 'large'.repeat(10_000));
    await keyring.eraseSubject('acme');
    expect(await contents.open('acme', small)).to.equal(ERASED);
    expect(await contents.open('acme', large)).to.equal(ERASED);
    expect(showErased(ERASED)).to.equal(ERASED_TEXT);
    expect(showErased('text')).to.equal('text');
  });

  it('says that a blob is lost, and that a value is not JSON', async () => {
    const content = await contents.seal('acme', 'large'.repeat(10_000));
    await store.remove(content.blob!);
    expect(await failure(opened('acme', content))).to.be.instanceOf(BlobMissing);
    expect(await failure(contents.seal('acme', undefined))).to.be.instanceOf(TypeError);
  });
});
