// What every blob store must do.

import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { type BlobStore, InvalidBlobName } from '#platform/blobs/blob-store.ts';

export interface BlobStoreUnderTest {
  open(): Promise<BlobStore>;
  close(): Promise<void>;
}

export function blobStoreContract(name: string, start: () => Promise<BlobStoreUnderTest>) {
  describe(`blob store: ${name}`, () => {
    let under: BlobStoreUnderTest;
    let store: BlobStore;
    beforeEach(async () => {
      under = await start();
      store = await under.open();
    });
    afterEach(async () => {
      await store.close();
      await under.close();
    });

    const nameOf = (bytes: Uint8Array, tenant = 'acme') =>
      `${tenant}/${createHash('sha256').update(bytes).digest('hex')}`;
    const write = async (bytes: Uint8Array, tenant?: string) => {
      const name = nameOf(bytes, tenant);
      await store.write(name, bytes);
      return name;
    };

    it('reads what was written, over a closing and opening too', async () => {
      const bytes = randomBytes(300_000);
      const name = await write(bytes);
      const again = await write(bytes);
      expect(again).to.equal(name);
      await store.close();
      store = await under.open();
      expect(bytes.equals((await store.read(name))!)).to.equal(true);
    });

    it('knows an empty blob from none', async () => {
      const name = await write(Buffer.alloc(0));
      expect(await store.read(name)).to.have.length(0);
      const absent = nameOf(Buffer.from('absent'), 'nobody');
      expect(await store.read(absent)).to.equal(undefined);
      expect(await store.read(absent, { offset: 1, length: 1 })).to.equal(undefined);
      expect(await store.writtenAt(absent)).to.equal(undefined);
      await store.remove(absent);
    });

    it('answers any range as a slice would', async () => {
      const bytes = randomBytes(5_000);
      const name = await write(bytes);
      await fc.assert(
        fc.asyncProperty(fc.nat(6_000), fc.nat(6_000), async (offset, length) => {
          const found = Buffer.from((await store.read(name, { offset, length }))!);
          expect(found.equals(bytes.subarray(offset, offset + length))).to.equal(true);
        }),
        { numRuns: 50 },
      );
    });

    it('writes a stream and asks its name last', async () => {
      const parts = Array.from({ length: 20 }, () => randomBytes(10_000));
      const hash = createHash('sha256');
      const source = async function* () {
        for (const part of parts) {
          hash.update(part);
          yield part;
        }
      };
      let name = '';
      await store.writeStream(source(), () => (name = `acme/${hash.digest('hex')}`));
      expect(Buffer.concat(parts).equals((await store.read(name))!)).to.equal(true);
    });

    it('leaves nothing of a stream that fails', async () => {
      const source = async function* () {
        yield randomBytes(100_000);
        throw new Error('the source broke');
      };
      const error = await store.writeStream(source(), () => nameOf(Buffer.from('x'))).catch((error: Error) => error);
      expect(error).to.be.an('error').with.property('message', 'the source broke');
      expect(await store.list('', 10)).to.deep.equal([]);
    });

    it('says when a blob was last written', async () => {
      const before = Date.now() - 2_000;
      const name = await write(Buffer.from('timed'));
      expect(await store.writtenAt(name)).to.be.within(before, Date.now() + 2_000);
    });

    it('removes', async () => {
      const name = await write(Buffer.from('gone'));
      const other = await write(Buffer.from('stays'));
      await store.remove(name);
      expect(await store.read(name)).to.equal(undefined);
      expect(await store.list('', 10)).to.deep.equal([other]);
    });

    it('lists by prefix in order, page by page', async () => {
      const names: string[] = [];
      for (let index = 0; index < 24; index++) {
        names.push(await write(Buffer.from(`blob ${index}`), ['a', 'a-b', 'ab'][index % 3]));
      }
      const page = async (prefix: string, limit: number) => {
        const found: string[] = [];
        for (let after: string | undefined; ; after = found.at(-1)) {
          const next = await store.list(prefix, limit, after);
          expect(next.length).to.be.at.most(limit);
          if (next.length === 0) return found;
          found.push(...next);
        }
      };
      for (const prefix of ['', 'a', 'a/', 'a-b/', 'ab/', names[0]!.slice(0, 3), names[1]!.slice(0, 8), 'none/']) {
        expect(await page(prefix, 5), prefix).to.deep.equal(names.filter((name) => name.startsWith(prefix)).sort());
      }
    });

    it('refuses names that could lead elsewhere', async () => {
      const hash = 'a'.repeat(64);
      const names = ['', hash, `/${hash}`, `../${hash}`, `./${hash}`, `a/../${hash}`, `a\\b/${hash}`, `.x/${hash}`];
      for (const name of [...names, `a/${hash}/b`, `a/${hash}\n`, `a\0/${hash}`, `a/${hash.toUpperCase()}`, 'a/b']) {
        for (const call of [
          () => store.write(name, Buffer.from('x')),
          () => store.read(name),
          () => store.remove(name),
          () => store.writtenAt(name),
        ]) {
          expect(await call().catch((error: unknown) => error), name).to.be.instanceOf(InvalidBlobName);
        }
      }
    });
  });
}
