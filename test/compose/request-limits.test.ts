import { expect } from 'chai';
import type { Config } from '#platform/config.ts';
import type { Authentication } from '#platform/auth/authenticate.ts';
import { authentication } from '#platform/http/authentication.ts';
import { bindRoute, type Caller } from '#platform/http/route.ts';
import { createLruRateStore } from '#platform/limits/lru-rate-store.ts';
import { addressGroup } from '#platform/limits/address-group.ts';
import { problems } from '#contracts/problems.ts';
import { createRequestLimits } from '../../compose/request-limits.ts';
import { caller, openTestServer, problemOf, type TestServer } from '../platform/http-test-server.ts';

const open = { status: 200, body: {} } as const;
const thing = bindRoute({ id: 'thing', method: 'GET', path: '/thing', anyCaller: true, openai: true }, () => open);
const login = bindRoute({ id: 'login', method: 'POST', path: '/v1/auth/login', public: true }, () => open);
const email = bindRoute({ id: 'email', method: 'POST', path: '/v1/me/email', public: true }, () => open);
const confirm = bindRoute({ id: 'confirm', method: 'POST', path: '/v1/me/email/confirm', public: true }, () => open);
const health = bindRoute({ id: 'healthz', method: 'GET', path: '/healthz', public: true }, () => open);
const me = bindRoute({ id: 'me', method: 'GET', path: '/v1/auth/methods', public: true }, () => open);

const callers: Readonly<Record<string, Caller>> = {
  anna: caller,
  berta: { ...caller, actor: { kind: 'user', id: 'berta' } },
  cem: { ...caller, actor: { kind: 'api-key', id: 'cem' }, limits: { own: 1, tenant: 4 } },
  deniz: { ...caller, tenantId: 'tenant-b', actor: { kind: 'api-key', id: 'deniz' }, limits: { tenant: 2 } },
};

const authenticate = ({ headers }: { headers: { authorization?: string | undefined } }): Authentication => {
  const found = callers[headers.authorization ?? ''];
  return found ? { ok: true, caller: found } : { ok: false, reason: 'unknown' };
};

type Limits = Partial<Pick<Config, 'rateLimitPerAddress' | 'rateLimitPerKey' | 'rateLimitPerTenant'>>;

describe('limits of requests', () => {
  let server: TestServer;
  afterEach(() => server.close(1_000));

  async function start(limits: Limits & { loginLimitPerAddress?: number } = {}) {
    server = await openTestServer([thing, login, email, confirm, health, me], {
      trustProxy: ['loopback'],
      authentication: authentication(authenticate, problems),
      ...createRequestLimits(createLruRateStore(), {
        rateLimitPerAddress: undefined,
        rateLimitPerKey: undefined,
        rateLimitPerTenant: undefined,
        loginLimitPerAddress: 60,
        maxStreamsPerCaller: 200,
        maxStreamsPerTenant: 1_000,
        ...limits,
      }),
    });
  }
  const ask = (who: string, from = '192.0.2.1') =>
    fetch(`${server.url}/thing`, { headers: { authorization: who, 'x-forwarded-for': from } });
  const signIn = (from: string, path = '/v1/auth/login') =>
    fetch(server.url + path, { method: 'POST', headers: { 'x-forwarded-for': from } });
  const statuses = async (count: number, work: () => Promise<Response>) => {
    const all: number[] = [];
    for (let n = 0; n < count; n++) all.push((await work()).status);
    return all;
  };

  it('are off unless set, and nothing is said of them', async () => {
    await start();
    expect(await statuses(200, () => ask('anna'))).to.satisfy((all: number[]) => all.every((one) => one === 200));
    const names = [...(await ask('anna')).headers.keys()];
    expect(names.filter((name) => name.includes('ratelimit'))).to.deep.equal([]);
  });

  it('hold for an address before anyone is asked who is calling', async () => {
    await start({ rateLimitPerAddress: 2 });
    expect(await statuses(3, () => ask('nobody'))).to.deep.equal([401, 401, 429]);
    expect((await ask('anna', '192.0.2.2')).status).to.equal(200);
  });

  it('do not hold for what looks whether the process lives', async () => {
    await start({ rateLimitPerAddress: 1 });
    expect(await statuses(3, () => fetch(`${server.url}/healthz`))).to.deep.equal([200, 200, 200]);
  });

  it('answer in the words of OpenAI where its clients ask, also for an address', async () => {
    await start({ rateLimitPerAddress: 1 });
    await ask('anna');
    const { error } = await problemOf(await ask('anna'));
    expect(error).to.include({ type: 'rate_limit_error', code: 'too-many-requests' });
  });

  it('count an address by what a trusted proxy says of it, not by what its client claims', async () => {
    await start({ rateLimitPerAddress: 2 });
    let n = 0;
    expect(await statuses(3, () => ask('anna', `198.51.100.${++n}, 192.0.2.1`))).to.deep.equal([200, 200, 429]);
  });

  it('count a network of IPv6 as one', async () => {
    await start({ rateLimitPerAddress: 2 });
    let n = 0;
    expect(await statuses(3, () => ask('anna', `2001:db8:1:2:${++n}::1`))).to.deep.equal([200, 200, 429]);
    expect((await ask('anna', '2001:db8:1:3::1')).status).to.equal(200);
  });

  it('hold for each key and each person, and for all of a tenant', async () => {
    await start({ rateLimitPerKey: 2, rateLimitPerTenant: 3 });
    expect(await statuses(3, () => ask('anna'))).to.deep.equal([200, 200, 429]);
    expect(await statuses(2, () => ask('berta'))).to.deep.equal([200, 429]);
  });

  it('are those of the key and of the tenant where these have their own', async () => {
    await start({ rateLimitPerKey: 100 });
    expect(await statuses(2, () => ask('cem'))).to.deep.equal([200, 429]);
    expect(await statuses(3, () => ask('deniz'))).to.deep.equal([200, 200, 429]);
    expect(await statuses(3, () => ask('anna'))).to.deep.equal([200, 200, 200]);
  });

  it('answer with a problem that says whose limit it was', async () => {
    await start({ rateLimitPerTenant: 1 });
    await ask('anna');
    const refused = await ask('anna');
    const problem = await problemOf(refused);
    expect(problem).to.include({ code: 'too-many-requests', status: 429 });
    expect(problem.error).to.deep.equal({
      message: 'All of this tenant together may send 1 request a minute.',
      type: 'rate_limit_error',
      param: null,
      code: 'too-many-requests',
    });
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
    expect(server.records.at(-1)).to.include({ status: 429, tenantId: 'tenant-a', actorId: 'anna' });
  });

  it('are tighter where one signs in, however the URL is written', async () => {
    await start({ loginLimitPerAddress: 3 });
    expect(await statuses(2, () => signIn('192.0.2.1'))).to.deep.equal([200, 200]);
    expect((await signIn('192.0.2.1', '/v1/auth/login?next=1')).status).to.equal(422);
    for (const path of ['/v1/auth/login', '/v1/auth/login/', '/v1/auth/login?a'])
      expect((await signIn('192.0.2.1', path)).status, path).to.equal(429);
    for (const path of ['/v1/me/email', '/v1/me/email/confirm'])
      expect((await signIn('192.0.2.1', path)).status, path).to.equal(429);
    expect((await signIn('192.0.2.2')).status).to.equal(200);
    expect(
      (await fetch(`${server.url}/v1/auth/methods`, { headers: { 'x-forwarded-for': '192.0.2.1' } })).status,
    ).to.equal(200);
    expect((await ask('anna')).status).to.equal(200);
  });
});

describe('an address', () => {
  for (const [address, group] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:ffff::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ] as const)
    it(`${address || 'that is gone'} is counted as ${group || 'such'}`, () => {
      expect(addressGroup(address)).to.equal(group);
    });
});
