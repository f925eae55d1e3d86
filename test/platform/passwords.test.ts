import { readFileSync } from 'node:fs';
import argon2 from 'argon2';
import { expect } from 'chai';
import { openPasswords, PasswordsBusy, PasswordsInterrupted } from '#platform/auth/passwords.ts';
import { eventually } from '../support/eventually.ts';

const PASSWORD = 'correct horse battery staple';

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);

describe('passwords', function () {
  this.timeout(20_000);
  const passwords = openPasswords();
  after(() => passwords.close());
  const verify = (password: string, hash: string | undefined) => passwords.withRoom((held) => held(password, hash));

  it('are hashed with argon2id, with the parameters and a salt in the hash', async () => {
    const [one, two] = await Promise.all([passwords.hash(PASSWORD), passwords.hash(PASSWORD)]);
    expect(one).to.match(/^\$argon2id\$v=19\$m=47104,(p=1,t=1|t=1,p=1)\$/);
    expect(one).not.to.equal(two);
    expect(await verify(PASSWORD, one)).to.deep.include({ right: true, stale: false });
    expect(await verify(`${PASSWORD} `, one)).to.deep.include({ right: false });
  });

  it('are the same password however it is typed', async () => {
    const hash = await passwords.hash('gizli şifre: çok uzun');
    expect(await verify('gizli şifre: çok uzun'.normalize('NFD'), hash)).to.deep.include({ right: true });
  });

  it('are to be hashed anew where the parameters were others', async () => {
    const old = await argon2.hash(PASSWORD, { memoryCost: 8_192, timeCost: 1, parallelism: 1 });
    expect(await verify(PASSWORD, old)).to.deep.include({ right: true, stale: true });
  });

  it('of nobody are wrong, and it takes as long to say so', async () => {
    const hash = await passwords.hash(PASSWORD);
    await verify(PASSWORD, undefined);
    const least = { known: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY };
    for (let n = 0; n < 10; n++)
      for (const [who, of] of [
        ['known', hash],
        ['unknown', undefined],
      ] as const) {
        const began = performance.now();
        expect((await verify('a password of nobody', of)).right).to.equal(false);
        least[who] = Math.min(least[who], performance.now() - began);
      }
    expect(least.unknown / least.known).to.be.within(0.6, 1.7);
    expect(await verify('nobody', undefined)).to.deep.include({ right: false });
  });

  it('that are tried first are told', async () => {
    for (const common of [
      'qwerty123456',
      'QWERTY123456',
      'Motherfucker1!',
      'passwordpassword',
      'aaaaaaaaaaaa',
      '121212121212',
      'qwertyuiopasdf',
      'POIUYTREWQlkjh',
      'zaq1xsw2cde3',
      '123456789012',
      'abcdefghijkl',
      'aaaabbbbcccc',
      'Defter-2026!!',
      'defterdefter1',
      'Berta.Ada2026!',
      'berta.adaberta.ada',
      'Berta.Ada@example.com',
      'berta.adapassword',
    ])
      expect(await passwords.isCommon(common, 'Berta.Ada@Example.com'), common).to.equal(true);
    for (const good of [
      PASSWORD,
      'kırmızı balık gölde',
      'mL9#vQ2x!pR4',
      '580271946352',
      'a long sentence about my defter',
      'berta.ada keeps seven grey cats',
    ])
      expect(await passwords.isCommon(good, 'Berta.Ada@Example.com'), good).to.equal(false);
    // Of names that are in many words nothing follows.
    expect(await passwords.isCommon('a-b-c-x-y-z-q', 'a@example.com')).to.equal(false);
    expect(await passwords.isCommon('Berta.Ada2026!', undefined)).to.equal(false);
  });

  it('wait in a short queue, and who finds it full is told to come again', async () => {
    const all = await Promise.allSettled(Array.from({ length: 30 }, () => passwords.isCommon(PASSWORD, undefined)));
    const refused = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    expect(refused).to.have.length(8);
    for (const error of refused) expect(error).to.be.instanceOf(PasswordsBusy);
  });

  it('are verified for whoever was let in, however many ask meanwhile', async () => {
    const { promise: counted, resolve } = Promise.withResolvers<void>();
    let begun = 0;
    const all = Array.from({ length: 30 }, () =>
      passwords.withRoom(async (held) => {
        begun += 1;
        await counted;
        return held(PASSWORD, undefined);
      }),
    );
    const hashed = await Promise.allSettled([passwords.hash(PASSWORD)]);
    expect([begun, hashed[0].status]).to.deep.equal([22, 'rejected']);
    resolve();
    const ended = await Promise.allSettled(all);
    expect(ended.filter(({ status }) => status === 'fulfilled')).to.have.length(22);
  });

  (process.platform === 'linux' ? it : it.skip)(
    'are hashed by a program of its own, anew when it was lost',
    async () => {
      const own = openPasswords();
      const before = new Set(childrenOf(process.pid));
      await own.isCommon(PASSWORD, undefined);
      const [pid] = childrenOf(process.pid).filter((child) => !before.has(child));
      const hashing = own.hash(PASSWORD);
      process.kill(Number(pid), 'SIGKILL');
      await hashing.then(
        () => expect.fail('it was hashed'),
        (error: unknown) => expect(error).to.be.instanceOf(PasswordsInterrupted),
      );
      expect(await own.isCommon(PASSWORD, undefined)).to.equal(false);
      await own.close();
      await eventually(async () => {
        expect(childrenOf(process.pid).filter((child) => !before.has(child))).to.deep.equal([]);
      }, 5_000);
    },
  );
});
