// People's credential, through the whole HTTP app: what is let in, and what is not.

import { createHmac, createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createAccessKeys } from '#platform/auth/access-keys.ts';
import { type AccessClaims, createAccessToken } from '#platform/auth/access-token.ts';
import type { Middleware } from '#platform/http/context.ts';
import { accessTokens } from '#platform/http/access-tokens.ts';
import { caller, KEY, openTestServer, type TestServer } from './http-test-server.ts';

const root = createSecretKey(randomBytes(32));
const keys = createAccessKeys(root, 1);
const claims: AccessClaims = { userId: randomUUID(), sessionId: randomUUID(), tenantId: 'tenant-a' };

const MINUTE = 60_000;
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of any header and payload. */
function signed(header: object, payload: object, key: KeyObject): string {
  const head = `${encode(header)}.${encode(payload)}`;
  return `${head}.${createHmac('sha256', key).update(head).digest('base64url')}`;
}

const { kid, key } = keys.current(Date.now());
const HEADER = { alg: 'HS256', typ: 'JWT', kid };
const now = () => Math.floor(Date.now() / 1_000);
const payload = (change: object = {}) => ({
  sub: claims.userId,
  sid: claims.sessionId,
  tid: claims.tenantId,
  iat: now(),
  exp: now() + 900,
  iss: 'defter',
  aud: 'defter',
  ...change,
});

const changed = (token: string, at: number) =>
  token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);

describe('an access token', () => {
  let server: TestServer;
  let seen: AccessClaims | undefined;
  before(async () => {
    const verify = accessTokens(keys);
    const authentication: Middleware = (ctx, next) =>
      verify(ctx, () => {
        seen = ctx.state.token;
        if (seen === undefined) return ctx.throw(401);
        ctx.state.caller = { ...caller, actor: { kind: 'user', id: seen.userId } };
        return next();
      });
    server = await openTestServer(undefined, { authentication });
  });
  after(() => server.close(1_000));

  const ask = async (token: string, scheme = 'Bearer') => {
    seen = undefined;
    const { status } = await fetch(`${server.url}/v1/things/a`, { headers: { authorization: `${scheme} ${token}` } });
    return status;
  };

  it('says who, in which session and tenant, the first time and later', async () => {
    const token = createAccessToken(keys, claims, Date.now());
    for (const scheme of ['Bearer', 'bearer', 'Bearer']) {
      expect(await ask(token, scheme)).to.equal(200);
      expect(seen).to.include(claims);
    }
  });

  it('is good on a replica whose clock is a minute apart, until its time is over there', async () => {
    expect(await ask(createAccessToken(keys, claims, Date.now() + MINUTE))).to.equal(200);
    expect(await ask(createAccessToken(keys, claims, Date.now() - 15 * MINUTE))).to.equal(200);
    expect(await ask(createAccessToken(keys, claims, Date.now() - 16.1 * MINUTE))).to.equal(401);
  });

  for (const [what, token] of [
    ['has another signature', changed(createAccessToken(keys, claims, Date.now()), 330)],
    ['says something else', changed(createAccessToken(keys, claims, Date.now()), 120)],
    ['needs no signature', `${encode({ alg: 'none', typ: 'JWT', kid })}.${encode(payload())}.`],
    ['was signed with HS384 by its own word', signed({ ...HEADER, alg: 'HS384' }, payload(), key)],
    ['is for another', signed(HEADER, payload({ aud: 'other' }), key)],
    ['is by another', signed(HEADER, payload({ iss: 'other' }), key)],
    ['names no key', signed({ alg: 'HS256', typ: 'JWT' }, payload(), key)],
    ['names a key that there is not', signed({ ...HEADER, kid: '1-1' }, payload(), key)],
    ['names a key like a member of every object', signed({ ...HEADER, kid: '__proto__' }, payload(), key)],
    ['names a key that is no text', signed({ ...HEADER, kid: { toString: kid } }, payload(), key)],
    ['names no session', signed(HEADER, payload({ sid: undefined }), key)],
    ['never expires', signed(HEADER, payload({ exp: undefined }), key)],
    ['was signed with another number of the key', createAccessToken(createAccessKeys(root, 2), claims, Date.now())],
    ['was signed by another server', createAccessToken(createAccessKeys(key, 1), claims, Date.now())],
    ['is no token', 'eyJ.eyJ.'],
  ] as const)
    it(`that ${what} is refused`, async () => {
      expect(await ask(token)).to.equal(401);
    });

  it('is taken from its header and from nowhere else', async () => {
    const token = createAccessToken(keys, claims, Date.now());
    expect(await ask(token, 'Basic')).to.equal(401);
    const answer = await fetch(`${server.url}/v1/things/a`, { headers: { cookie: `token=${token}` } });
    expect(answer.status).to.equal(401);
    expect(await ask(KEY.slice('Bearer '.length))).to.equal(401);
    expect(seen).to.equal(undefined);
  });
});

describe('the keys of access tokens', () => {
  const at = (text: string) => Date.parse(text);
  const november = keys.current(at('2026-11-15T00:00:00Z')).kid;

  it('are this month’s and the last one’s, and for a minute the next one’s', () => {
    expect(november).to.equal('1-682');
    for (const time of ['2026-10-31T23:59:30Z', '2026-11-01T00:00:00Z', '2026-12-31T23:59:59Z'])
      expect(keys.keyOf(november, at(time)), time).not.to.equal(undefined);
    for (const time of ['2026-10-31T23:58:30Z', '2027-01-01T00:00:00Z'])
      expect(keys.keyOf(november, at(time)), time).to.equal(undefined);
  });

  it('are the same on every replica, and others by another number', () => {
    const replica = createAccessKeys(root, 1).current(at('2026-11-15T00:00:00Z'));
    expect(replica.key.equals(keys.current(at('2026-11-15T00:00:00Z')).key)).to.equal(true);
    const raised = createAccessKeys(root, 2);
    expect(raised.keyOf(november, at('2026-11-15T00:00:00Z'))).to.equal(undefined);
    expect(raised.current(at('2026-11-15T00:00:00Z')).key.equals(replica.key)).to.equal(false);
  });
});
