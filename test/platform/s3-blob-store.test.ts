import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { openS3BlobStore } from '#platform/blobs/s3-blob-store.ts';
import { cutIntoParts } from '#platform/s3/cut-into-parts.ts';
import { S3Refused, S3Unavailable } from '#platform/s3/s3-errors.ts';
import { PART } from '#platform/s3/s3-upload.ts';
import { describeOn } from '../services/describe-on.ts';
import { openS3Namespace, type S3Namespace } from '../services/s3/s3-namespace.ts';
import { openS3Proxy, type S3Proxy } from '../services/s3/s3-proxy.ts';

const DAY_MS = 86_400_000;
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('cutting into parts', () => {
  it('keeps the bytes and makes every part but the last whole', async () => {
    const bytes = randomBytes(1_000);
    for (const size of [1, 7, 100, 999, 1_000, 1_001]) {
      for (const piece of [1, 64, 100, 333, 5_000]) {
        const parts: Uint8Array[] = [];
        for await (const part of cutIntoParts(inPieces(bytes, piece), size)) parts.push(Buffer.from(part));
        const whole = parts.slice(0, -1).every((part) => part.length === size);
        expect(whole).to.equal(true);
        expect(Buffer.concat(parts).equals(bytes)).to.equal(true);
        expect(parts).to.have.length(Math.ceil(1_000 / size));
      }
    }
  });
});

describeOn(['s3'], 'an S3 blob store', (env) => {
  let namespace: S3Namespace;
  let proxy: S3Proxy;
  beforeEach(async () => {
    namespace = openS3Namespace(env);
    proxy = await openS3Proxy(namespace.blobs.endpoint);
  });
  afterEach(async () => {
    await proxy.close();
    await namespace.close();
  });
  const open = (now?: () => number) =>
    openS3BlobStore({ ...namespace.blobs, endpoint: proxy.endpoint, ...(now && { now }) });
  const uploads = async () => {
    const { Uploads = [] } = await namespace.client.send(
      new ListMultipartUploadsCommand({ Bucket: namespace.blobs.bucket, Prefix: namespace.blobs.namespace }),
    );
    return Uploads;
  };

  it('writes more than a part, whatever answers are lost on the way', async function () {
    this.timeout(60_000);
    const store = await open();
    const bytes = randomBytes(2 * PART + 12_345);
    const name = `acme/${hashOf(bytes)}`;
    // The first request of each kind is done, and its answer lost.
    const met = new Set<string>();
    proxy.wrong = ({ method = '', url = '' }) => {
      const kind = `${method} ${url.includes('uploadId') ? 'upload' : ''}${url.includes('uploads') ? 'begin' : ''}`;
      if (met.has(kind)) return undefined;
      met.add(kind);
      return 'drop-answer';
    };
    let mostHeld = 0;
    let taken = 0;
    const source = async function* () {
      for await (const piece of inPieces(bytes, 65_536)) {
        taken += piece.length;
        mostHeld = Math.max(mostHeld, taken - sent());
        yield piece;
      }
    };
    const sent = () =>
      PART * new Set(proxy.seen.map((line) => /partNumber=(\d+)/.exec(line)?.[1]).filter(Boolean)).size;
    await store.writeStream(source(), () => name);
    expect(met.size).to.be.at.least(4);
    expect(mostHeld).to.be.at.most(PART + 65_536);
    expect(hashOf((await store.read(name))!)).to.equal(hashOf(bytes));
    const range = await store.read(name, { offset: PART - 10, length: 20 });
    expect(bytes.subarray(PART - 10, PART + 10).equals(range!)).to.equal(true);
    expect(await namespace.keys(namespace.blobs.bucket)).to.have.length(1);
    expect(await store.list('', 10)).to.deep.equal([name]);
    await store.close();
  });

  it('writes large bytes whose name is known, and exactly a part', async function () {
    this.timeout(60_000);
    const store = await open();
    for (const bytes of [randomBytes(PART), randomBytes(PART + 1)]) {
      const name = `acme/${hashOf(bytes)}`;
      await store.write(name, bytes);
      expect(hashOf((await store.read(name))!)).to.equal(hashOf(bytes));
      const streamed = `other/${hashOf(bytes)}`;
      await store.writeStream(inPieces(bytes, 1_000_000), () => streamed);
      expect(hashOf((await store.read(streamed))!)).to.equal(hashOf(bytes));
    }
    expect(await namespace.keys(namespace.blobs.bucket)).to.have.length(4);
    await store.close();
  });

  it('aborts an upload whose source breaks, or whose name is none', async function () {
    this.timeout(60_000);
    const store = await open();
    const broken = async function* () {
      yield randomBytes(PART + 1);
      yield randomBytes(PART);
      throw new Error('the source broke');
    };
    const error = await store.writeStream(broken(), () => '').catch((error: Error) => error);
    expect(error).to.be.an('error').with.property('message', 'the source broke');
    const whole = inPieces(randomBytes(PART + 1), PART);
    expect(String(await store.writeStream(whole, () => 'none').catch((error: Error) => error))).to.match(
      /InvalidBlobName/,
    );
    expect(await uploads()).to.deep.equal([]);
    expect(await namespace.keys(namespace.blobs.bucket)).to.deep.equal([]);
    await store.close();
  });

  it('sweeps what uploads left a day ago, and nothing else', async () => {
    const first = await open();
    const { bucket } = namespace.blobs;
    const prefix = `${namespace.blobs.namespace}/`;
    const begin = { Bucket: bucket, Key: `${prefix}.incoming/${randomUUID()}` };
    await namespace.client.send(new CreateMultipartUploadCommand(begin));
    await namespace.client.send(
      new PutObjectCommand({ ...begin, Key: `${prefix}.incoming/${randomUUID()}`, Body: 'x' }),
    );
    const name = `acme/${'a'.repeat(64)}`;
    await first.write(name, Buffer.from('kept'));
    await (await open()).close();
    expect(await uploads()).to.have.length(1);
    expect(await namespace.keys(bucket)).to.have.length(2);
    await (await open(() => Date.now() + DAY_MS + 60_000)).close();
    expect(await uploads()).to.have.length(0);
    expect(await first.list('', 10)).to.deep.equal([name]);
    expect(await namespace.keys(bucket)).to.have.length(1);
    await first.close();
  });

  it('reads again what was cut off, and gives up in time', async function () {
    this.timeout(60_000);
    const store = await open();
    const bytes = randomBytes(3_000_000);
    const name = `acme/${hashOf(bytes)}`;
    await store.write(name, bytes);
    let cut = 3;
    proxy.wrong = () => (cut-- > 0 ? 'cut-body' : undefined);
    expect(hashOf((await store.read(name))!)).to.equal(hashOf(bytes));
    proxy.wrong = () => 'cut-body';
    expect(await store.read(name).catch((error: Error) => error)).to.be.instanceOf(S3Unavailable);
    await store.close();
  });

  it('tells an absent bucket from an absent blob', async () => {
    const store = await openS3BlobStore({ ...namespace.blobs, bucket: 'defter-going' });
    const name = `acme/${'b'.repeat(64)}`;
    expect(await store.read(name)).to.equal(undefined);
    expect(await store.writtenAt(name)).to.equal(undefined);
    await namespace.client.send(new DeleteBucketCommand({ Bucket: 'defter-going' }));
    for (const work of [
      () => store.read(name),
      () => store.read(name, { offset: 0, length: 0 }),
      () => store.writtenAt(name),
      () => store.write(name, Buffer.from('x')),
      () => store.list('', 1),
      () => store.health(),
    ]) {
      const error = await work().catch((error: Error) => error);
      expect(error).to.be.instanceOf(S3Refused);
      expect(String(error)).to.match(/NoSuchBucket/);
    }
    await store.close();
  });

  it('keeps to its own keys', async () => {
    const store = await open();
    const { bucket } = namespace.blobs;
    const strange = { Bucket: bucket, Key: `${namespace.blobs.namespace}/notes.txt` };
    await namespace.client.send(new PutObjectCommand({ ...strange, Body: 'not ours' }));
    expect(await store.list('', 10)).to.deep.equal([]);
    expect(await store.list('n', 10)).to.deep.equal([]);
    await namespace.client.send(new HeadObjectCommand(strange));
    await namespace.client.send(new DeleteObjectCommand(strange));
    await store.close();
  });
});
