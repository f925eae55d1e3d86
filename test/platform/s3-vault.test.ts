// What the S3 vault must not believe of its server.

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import fc from 'fast-check';
import { StartError } from '#platform/errors.ts';
import { S3Refused, S3Unavailable } from '#platform/s3/s3-errors.ts';
import { openS3Vault } from '#platform/vault/s3-vault.ts';
import { vaultKey, vaultName } from '#platform/vault/vault-key.ts';
import { describeOn } from '../services/describe-on.ts';
import { openS3Namespace, type S3Namespace } from '../services/s3/s3-namespace.ts';
import { openS3Proxy, type S3Proxy } from '../services/s3/s3-proxy.ts';
import { type OwnS3, startOwnS3 } from '../services/s3/with-own-s3.ts';
import { storedBytes } from '../support/stored-bytes.ts';

const bytes = (text: string) => Buffer.from(text);

describe("a vault name's key", () => {
  it('stands for the name alone, in one level, and begins as its beginning does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, more) => {
        fc.pre(name.isWellFormed() && more.isWellFormed());
        const key = vaultKey(name);
        expect(key).to.match(/^(?!\.)[A-Za-z0-9._!-]*$/);
        expect(vaultName(key)).to.equal(name);
        expect(vaultKey(name + more).startsWith(key)).to.equal(true);
      }),
    );
    expect(vaultKey('day/acme/2026-01-31')).to.equal('day!2Facme!2F2026-01-31');
    for (const none of ['!probe', 'a/b', '!2f', '!41', '.x']) expect(vaultName(none), none).to.equal(undefined);
  });
});

describeOn(['s3'], "an S3 vault's server", (env) => {
  let namespace: S3Namespace;
  let proxy: S3Proxy;
  beforeEach(async () => {
    namespace = openS3Namespace(env);
    proxy = await openS3Proxy(namespace.vault.endpoint);
  });
  afterEach(async () => {
    await proxy.close();
    await namespace.close();
  });
  const open = () => openS3Vault({ ...namespace.vault, endpoint: proxy.endpoint });
  /** The first `times` requests of this method go wrong. */
  const goWrong = (method: string, times: number, wrong: 'drop-answer' | 'refuse') => {
    let left = times;
    proxy.wrong = (request) => (request.method === method && left-- > 0 ? wrong : undefined);
  };

  it('may lose the answer to a creation, which is still known to be ours', async () => {
    const vault = await open();
    goWrong('PUT', 2, 'drop-answer');
    expect(await vault.create('subject/a', bytes('ours'))).to.equal(true);
    expect(bytes('ours').equals((await vault.read('subject/a'))!)).to.equal(true);
    expect(await vault.create('subject/a', bytes('again'))).to.equal(false);
    await vault.close();
  });

  it('may lose the answer to a creation that came too late, which is known to be not ours', async () => {
    const vault = await open();
    await vault.create('subject/a', bytes('theirs'));
    goWrong('PUT', 1, 'drop-answer');
    expect(await vault.create('subject/a', bytes('ours'))).to.equal(false);
    goWrong('PUT', 1, 'refuse');
    expect(await vault.create('subject/b', bytes('ours'))).to.equal(true);
    await vault.close();
  });

  it('may break off anything else, which is done again', async () => {
    const vault = await open();
    goWrong('PUT', 1, 'drop-answer');
    await vault.replace('secret/a', bytes('one'));
    goWrong('GET', 1, 'drop-answer');
    expect(await vault.list('')).to.deep.equal(['secret/a']);
    goWrong('DELETE', 1, 'drop-answer');
    await vault.remove('secret/a');
    expect(await vault.read('secret/a')).to.equal(undefined);
    await vault.close();
  });

  it('cuts off a value, which is read again and never taken for the whole', async () => {
    const vault = await open();
    await vault.create('subject/a', bytes('whole'.repeat(1_000)));
    let cut = 2;
    proxy.wrong = () => (cut-- > 0 ? 'cut-body' : undefined);
    expect((await vault.read('subject/a'))!.length).to.equal(5_000);
    await vault.close();
  });

  it('is refused when it ignores If-None-Match', async () => {
    proxy.wrong = () => 'unconditional';
    const error = await open().catch((error: Error) => error);
    expect(error).to.be.instanceOf(StartError).with.property('message').that.includes('ignores If-None-Match');
  });

  it('fails in time, and says what failed, when it never answers', async function () {
    this.timeout(60_000);
    const vault = await open();
    proxy.wrong = () => 'hang';
    const began = performance.now();
    const error = await vault.create('subject/a', bytes('late')).catch((error: Error) => error);
    expect(error).to.be.instanceOf(S3Unavailable);
    expect(String(error))
      .to.include(proxy.endpoint)
      .and.match(/no answer within 5 s/);
    expect(performance.now() - began).to.be.lessThan(25_000);
    const waiting = vault.read('subject/a').catch((error: Error) => error);
    await vault.close();
    expect(await waiting).to.be.instanceOf(S3Unavailable);
  });

  it('lists more than a page', async function () {
    this.timeout(60_000);
    const vault = await open();
    const names = Array.from({ length: 1_100 }, (_, index) => `day/acme/${index + 1_000}`);
    for (let at = 0; at < names.length; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => vault.replace(name, bytes('x'))));
    }
    expect(await vault.list('day/acme/')).to.deep.equal(names);
    await vault.close();
  });
});

describeOn(['s3'], 'the bucket of an S3 vault', () => {
  let own: OwnS3;
  let namespace: S3Namespace;
  before(async function () {
    this.timeout(300_000);
    own = await startOwnS3();
    namespace = openS3Namespace(own.environment);
  });
  after(async () => {
    namespace.client.destroy();
    await own.stop();
  });

  const make = async (bucket: string, status?: 'Enabled' | 'Suspended') => {
    await namespace.client.send(new CreateBucketCommand({ Bucket: bucket }));
    await version(bucket, 'Enabled');
    if (status === 'Suspended') await version(bucket, status);
    return openS3Vault({ ...namespace.vault, bucket }).catch((error: Error) => error);
  };
  const version = async (bucket: string, Status: 'Enabled' | 'Suspended') => {
    const request = { Bucket: bucket, VersioningConfiguration: { Status } };
    await namespace.client.send(new PutBucketVersioningCommand(request));
  };

  it('may never have kept versions', async () => {
    for (const status of ['Enabled', 'Suspended'] as const) {
      const error = await make(`vault-${status.toLowerCase()}`, status);
      expect(error).to.be.instanceOf(StartError);
      expect((error as StartError).message).to.match(
        new RegExp(`vault-.* versioning ${status.toLowerCase()}.*S3_VAULT_BUCKET`),
      );
    }
  });

  it('may not lock its objects', async () => {
    await namespace.client.send(new CreateBucketCommand({ Bucket: 'vault-locked', ObjectLockEnabledForBucket: true }));
    const error = await openS3Vault({ ...namespace.vault, bucket: 'vault-locked' }).catch((error: Error) => error);
    expect(error).to.be.instanceOf(StartError);
    expect((error as StartError).message).to.match(/vault-locked/);
  });

  it('is found out when it begins to keep versions, and when it is gone', async () => {
    const vault = await openS3Vault({ ...namespace.vault, bucket: 'vault-later' });
    await vault.health();
    await version('vault-later', 'Enabled');
    expect(await vault.health().catch((error: Error) => error.message)).to.match(/versioning enabled/);
    await vault.close();
    const gone = await openS3Vault({ ...namespace.vault, bucket: 'vault-gone' });
    const probe = await namespace.keys('vault-gone');
    for (const Key of probe) await namespace.client.send(new DeleteObjectCommand({ Bucket: 'vault-gone', Key }));
    await namespace.client.send(new DeleteBucketCommand({ Bucket: 'vault-gone' }));
    // Never `undefined`: an absent key would be taken for an erased one.
    expect(await gone.read('subject/a').catch((error: Error) => error)).to.be.instanceOf(S3Refused);
    expect(await gone.health().catch((error: Error) => error)).to.be.instanceOf(S3Refused);
    await gone.close();
  });

  it('holds nothing of what was removed or replaced, in no file and no answer', async () => {
    const vault = await openS3Vault({ ...namespace.vault, bucket: 'vault-erasing' });
    for (let index = 0; index < 20; index++) {
      await vault.create(`subject/${index}`, bytes('REMOVED-'.repeat(50)));
      await vault.replace(`secret/${index}`, bytes('REPLACED-'.repeat(50)));
      await vault.create(`other/${index}`, bytes('STAYS-'.repeat(50)));
    }
    if (own.keepsFiles) expect(storedBytes(own.folder).includes('REMOVED-')).to.equal(true);
    for (let index = 0; index < 20; index++) {
      await vault.remove(`subject/${index}`);
      await vault.replace(`secret/${index}`, new Uint8Array());
    }
    const { Versions = [], DeleteMarkers = [] } = await namespace.client.send(
      new ListObjectVersionsCommand({ Bucket: 'vault-erasing' }),
    );
    expect(Versions.filter(({ Key }) => Key?.includes('subject'))).to.deep.equal([]);
    expect(Versions.filter(({ Key }) => Key?.includes('secret'))).to.have.length(20);
    expect(DeleteMarkers).to.deep.equal([]);
    const uploads = await namespace.client.send(new ListMultipartUploadsCommand({ Bucket: 'vault-erasing' }));
    expect(uploads.Uploads ?? []).to.deep.equal([]);
    expect((await namespace.bytes('vault-erasing')).includes('STAYS-')).to.equal(true);
    if (own.keepsFiles) {
      const stored = storedBytes(own.folder);
      expect(stored.includes('STAYS-')).to.equal(true);
      expect(stored.includes('REMOVED-')).to.equal(false);
      expect(stored.includes('REPLACED-')).to.equal(false);
    }
    await vault.close();
  });
});
