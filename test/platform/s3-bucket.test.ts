import { expect } from 'chai';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Interrupted } from '#platform/patience/persist.ts';
import { openS3BlobStore } from '#platform/blobs/s3-blob-store.ts';
import { StartError } from '#platform/errors.ts';
import { openS3Vault } from '#platform/vault/s3-vault.ts';
import { describeOn } from '../services/describe-on.ts';
import { freePort } from '../services/free-port.ts';
import { openS3Namespace, type S3Namespace } from '../services/s3/s3-namespace.ts';
import { type OwnS3, startOwnS3 } from '../services/s3/with-own-s3.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { eventually } from '../support/eventually.ts';

const refusal = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).to.be.instanceOf(StartError);
  return (error as StartError).message;
};

describeOn(['s3'], 'a bucket of an S3 server', (env) => {
  let namespace: S3Namespace;
  beforeEach(() => (namespace = openS3Namespace(env)));
  afterEach(() => namespace.close());

  it('is named when it is missing, and made where that is asked for', async () => {
    const missing = { ...namespace.blobs, bucket: 'defter-missing', createBucket: false };
    expect(await refusal(openS3BlobStore(missing))).to.match(/no bucket defter-missing; node main.ts migrate/);
    expect(await refusal(openS3Vault(missing))).to.match(/no bucket defter-missing/);
    const stores = await Promise.all([openS3BlobStore(namespace.blobs), openS3BlobStore(namespace.blobs)]);
    for (const store of stores) {
      await store.health();
      await store.close();
    }
  });

  it('is refused to an unknown key and to a wrong secret, each by its name', async () => {
    const unknown = { ...namespace.blobs, accessKeyId: 'nobody' };
    expect(await refusal(openS3BlobStore(unknown))).to.match(/S3_ACCESS_KEY_ID/);
    const wrong = { ...namespace.vault, secretAccessKey: 'wrong' };
    const said = await refusal(openS3Vault(wrong));
    expect(said).to.match(/S3_SECRET_ACCESS_KEY/);
    expect(said).to.not.include('wrong-');
  });

  it('says of a namespace that it cannot begin a key', async () => {
    expect(await refusal(openS3BlobStore({ ...namespace.blobs, namespace: '../other' }))).to.match(/namespace/);
  });

  it('keeps namespaces apart', async () => {
    const other = openS3Namespace(env);
    const [mine, theirs] = await Promise.all([openS3Vault(namespace.vault), openS3Vault(other.vault)]);
    await mine.create('check', Buffer.from('mine'));
    expect(await theirs.create('check', Buffer.from('theirs'))).to.equal(true);
    expect(await theirs.list('')).to.deep.equal(['check']);
    await Promise.all([mine.close(), theirs.close(), other.close()]);
  });
});

describe('an S3 server that is absent', () => {
  const options = async () => ({
    endpoint: `http://127.0.0.1:${await freePort()}`,
    region: 'us-east-1',
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    bucket: 'blobs',
    namespace: 'test',
    log: createQuietLog(),
  });

  it('is waited for, aloud but not without end, until the signal ends it', async () => {
    const stop = new AbortController();
    const absent = await options();
    const opening = openS3BlobStore({ ...absent, signal: stop.signal }).catch((error: unknown) => error);
    await eventually(() => expect(absent.log.lines).to.have.length(1));
    expect(absent.log.lines[0]).to.include(absent.endpoint).and.include('ECONNREFUSED').and.include('warn');
    stop.abort();
    expect(await opening).to.be.instanceOf(Interrupted);
    expect(absent.log.lines).to.have.length(1);
  });

  it('is waited for when what answers is no S3 server, or fails', async () => {
    const statuses = [200, 502, 503, 404];
    let asked = 0;
    const server = createServer((_, answer) => {
      answer.writeHead(statuses[Math.min(asked++, statuses.length - 1)] ?? 404, { 'content-type': 'text/html' });
      answer.end('<html><body>starting</body></html>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const wrong = { ...(await options()), endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    // A 404 that names no bucket is none of an S3 server's; it is told, not taken for a missing bucket.
    expect(await refusal(openS3BlobStore({ ...wrong, createBucket: true }))).to.match(/refuses bucket blobs: 404/);
    expect(asked).to.equal(statuses.length);
    server.closeAllConnections();
    server.close();
  });
});

describeOn(['s3'], 'an S3 server that is killed', () => {
  let own: OwnS3;
  beforeEach(async function () {
    this.timeout(300_000);
    own = await startOwnS3();
  });
  afterEach(() => own.stop());

  it('is waited for at the start, and its stores go on by themselves after a kill', async () => {
    const namespace = openS3Namespace(own.environment);
    await own.kill9();
    const opening = Promise.all([openS3BlobStore(namespace.blobs), openS3Vault(namespace.vault)]);
    await eventually(() => expect(namespace.log.lines.length).to.be.greaterThan(1));
    await own.restart();
    const [blobs, vault] = await opening;
    const name = `acme/${'0'.repeat(64)}`;
    await blobs.write(name, Buffer.from('before'));
    await vault.create('subject/a', Buffer.from('before'));
    await own.kill9();
    for (const health of [blobs.health(), vault.health()]) {
      expect(await health.catch((error: Error) => error.message)).to.include(namespace.blobs.endpoint);
    }
    const reading = blobs.read(name);
    const creating = vault.create('subject/b', Buffer.from('during'));
    await own.restart();
    expect(Buffer.from((await reading)!).toString()).to.equal('before');
    expect(await creating).to.equal(true);
    expect(await vault.list('')).to.deep.equal(['subject/a', 'subject/b']);
    await Promise.all([blobs.health(), vault.health()]);
    await Promise.all([blobs.close(), vault.close(), namespace.close()]);
  });
});
