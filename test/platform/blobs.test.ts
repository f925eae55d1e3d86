import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { BlobStore } from '#platform/blobs/blob-store.ts';
import { type Blobs, createBlobs } from '#platform/blobs/blobs.ts';
import { openFolderBlobStore } from '#platform/blobs/folder-blob-store.ts';
import { HEADER, SEALED_SEGMENT, SEGMENT } from '#platform/blobs/segments.ts';
import { type Keyring, openKeyring } from '#platform/vault/keyring.ts';
import { SealBroken } from '#platform/vault/sealing.ts';
import { createMemoryVault } from '../support/memory-vault.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('blobs', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let store: BlobStore;
  let keyring: Keyring;
  let blobs: Blobs;
  beforeEach(async () => {
    folder = await temporaryFolder();
    store = await openFolderBlobStore(folder.path);
    keyring = await openKeyring({ vault: createMemoryVault(), masterKey: randomBytes(32) });
    for (const tenant of ['acme', 'other']) await keyring.createSubject(tenant);
    blobs = createBlobs({ store, keyring });
  });
  afterEach(async () => {
    keyring.close();
    await folder.remove();
  });

  /** Sizes around the edges of segments. */
  const size = fc.tuple(fc.nat(3), fc.integer({ min: -2, max: 2 })).map(([n, d]) => Math.max(0, n * SEGMENT + d));
  const inParts = async function* (bytes: Buffer, part: number) {
    for (let at = 0; at < bytes.length; at += part) yield bytes.subarray(at, at + part);
  };

  it('reads back what was written in parts of any length, whole and any range of it', async () => {
    const near = fc.oneof(fc.nat(200_000), size);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(size, fc.nat(200_000)),
        fc.integer({ min: 500, max: 150_000 }),
        fc.array(fc.tuple(near, near), { minLength: 1, maxLength: 5 }),
        async (length, part, ranges) => {
          const bytes = randomBytes(length);
          const written = await blobs.write('acme', inParts(bytes, part));
          expect(written.bytes).to.equal(length);
          expect(bytes.equals((await blobs.read(written)) as Buffer)).to.equal(true);
          for (const [offset, count] of ranges) {
            const found = (await blobs.read(written, { offset, length: count })) as Buffer;
            expect(found.equals(bytes.subarray(offset, offset + count)), `${offset}+${count} of ${length}`).to.equal(
              true,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is named by its tenant and the hash of what is stored, which tells nothing of the content', async () => {
    const bytes = Buffer.from('content '.repeat(20_000));
    const written = await blobs.write('acme', bytes);
    const stored = Buffer.from((await store.read(written.name))!);
    expect(written.name).to.equal(`acme/${createHash('sha256').update(stored).digest('hex')}`);
    expect(stored.includes('content ')).to.equal(false);
    expect((await blobs.write('acme', bytes)).name).not.to.equal(written.name);
  });

  it('holds no more than a few segments of a stream at once', async () => {
    let ahead = 0;
    let most = 0;
    const counting: BlobStore = {
      ...store,
      async writeStream(bytes, name) {
        for await (const part of bytes) {
          ahead -= part.length;
          most = Math.max(most, ahead);
        }
        name();
      },
    };
    const source = async function* () {
      for (let index = 0; index < 200; index++) {
        ahead += 50_000;
        yield Buffer.alloc(50_000);
      }
    };
    const { bytes } = await createBlobs({ store: counting, keyring }).write('acme', source());
    expect(bytes).to.equal(10_000_000);
    expect(most).to.be.below(2 * SEGMENT);
  });

  it('tells what was changed, cut off, reordered, exchanged or renamed, in whole reads and in ranges', async () => {
    const bytes = randomBytes(3 * SEGMENT);
    const written = await blobs.write('acme', bytes);
    const stored = Buffer.from((await store.read(written.name))!);
    const other = Buffer.from((await store.read((await blobs.write('acme', randomBytes(3 * SEGMENT))).name))!);
    const segment = (of: Buffer, index: number) =>
      of.subarray(HEADER + index * SEALED_SEGMENT, HEADER + (index + 1) * SEALED_SEGMENT);
    const header = stored.subarray(0, HEADER);
    const flipped = Buffer.from(stored);
    flipped[HEADER + 5]! ^= 1;
    const broken: Record<string, Buffer> = {
      'a bit changed': flipped,
      'the last segment cut off': stored.subarray(0, HEADER + 2 * SEALED_SEGMENT),
      'all segments cut off': header,
      'a byte cut off': stored.subarray(0, -1),
      'a byte more': Buffer.concat([stored, Buffer.alloc(1)]),
      'no header': stored.subarray(0, HEADER - 1),
      nothing: Buffer.alloc(0),
      'two segments swapped': Buffer.concat([header, segment(stored, 1), segment(stored, 0), segment(stored, 2)]),
      "another blob's segment": Buffer.concat([header, segment(stored, 0), segment(other, 1), segment(stored, 2)]),
    };
    for (const [what, content] of Object.entries(broken)) {
      // Its own store under the same name: what a hand in the folder could do.
      await store.write(written.name, content);
      expect(await failure(blobs.read(written)), what).to.be.instanceOf(SealBroken);
      const ranges = [
        { offset: 0, length: 3 * SEGMENT },
        { offset: 3 * SEGMENT, length: 1 },
        { offset: 10_000_000, length: 1 },
      ];
      const told = [];
      for (const range of ranges) told.push((await failure(blobs.read(written, range))) instanceof SealBroken);
      expect(told[0], `${what}, all as a range`).to.equal(true);
      if (what.includes('cut off')) expect(told, `${what}, past the end`).to.deep.equal([true, true, true]);
    }
    await store.write(written.name, other);
    expect(await failure(blobs.read(written)), "another blob under this one's name").to.be.instanceOf(SealBroken);
  });

  it('opens for its own tenant and key only, and no more once erased', async () => {
    const written = await blobs.write('acme', Buffer.from('x'));
    const foreign = await blobs.write('other', Buffer.from('y'));
    expect(await failure(blobs.read({ ...written, tenantId: 'other' }))).to.be.instanceOf(SealBroken);
    expect(await failure(blobs.read({ ...written, keyId: foreign.keyId }))).to.be.instanceOf(SealBroken);
    expect(await blobs.read({ ...written, name: `acme/${'0'.repeat(64)}` })).to.equal(undefined);
    await keyring.eraseSubject('acme');
    expect(await blobs.read(written)).to.equal('erased');
    expect(await blobs.read(written, { offset: 0, length: 1 })).to.equal('erased');
    expect(((await blobs.read(foreign)) as Buffer).toString()).to.equal('y');
  });

  it('refuses ranges that are none', async () => {
    const written = await blobs.write('acme', Buffer.from('x'));
    for (const [offset, length] of [
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
      [Number.MAX_VALUE, 1],
    ] as const) {
      expect(await failure(blobs.read(written, { offset, length }))).to.be.instanceOf(RangeError);
    }
  });

  it('removes what a crash left when it opens, but nothing that may still be written', async () => {
    const incoming = join(folder.path, '.incoming');
    await mkdir(incoming, { recursive: true });
    for (const name of ['old', 'young']) await writeFile(join(incoming, name), 'half');
    const hours = (ago: number) => new Date(Date.now() - ago * 3_600_000);
    await utimes(join(incoming, 'old'), hours(2), hours(2));
    const again = await openFolderBlobStore(folder.path);
    expect(await readdir(incoming)).to.deep.equal(['young']);
    expect(await again.list('', 10)).to.deep.equal([]);
  });
});
