// One secret of each kind is planted, and looked for wherever anything is kept, said or shown.

import { expect } from 'chai';
import { allRoutes } from '#contracts/all-routes.ts';
import type { AuditEventView } from '#contracts/audit.ts';
import type { RouteContract } from '#contracts/route.ts';
import type { SignedIn } from '#contracts/people.ts';
import { randomBytes } from 'node:crypto';
import { createApi } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { mailedToken, MANY_SIGN_IN, someEmail, signIn, somePassword } from '../support/people.ts';
import { describeFlow, type Flow } from './with-defter.ts';

const ADMIN = { email: someEmail('admin'), password: somePassword() };

const canary = () => `Kanarya-${randomBytes(12).toString('hex')}`;

/** Of letters and digits that are kept where words are folded. */
const uniqueEmail = () => someEmail(randomBytes(12).toString('hex'));

interface Planted {
  /** Shown to nobody, but once to who it is for. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Shown to who may see the person, and sealed wherever it is kept. */
  readonly personal: Readonly<Record<string, string>>;
}

/** Plants them all; answers each by what it is. */
async function plant({ api, as, outbox, url }: Flow): Promise<Planted> {
  const nobody = createApi(url, undefined);
  const admin = await signIn(url, ADMIN);
  const upstream = canary();
  const stored = await api('POST', '/v1/credentials', { body: { name: 'upstream', kind: 'openai', value: upstream } });
  expect(stored.status).to.equal(201);
  const issued = await api<{ key: string }>('POST', '/v1/api-keys', {
    body: { name: 'a key', scopes: ['models:read'] },
  });
  expect((await as(issued.body.key)('GET', '/v1/models')).status).to.equal(200);

  const [email, open, name] = [uniqueEmail(), uniqueEmail(), `Ayşe ${canary()}`];
  const [first, second, third] = [somePassword(), somePassword(), somePassword()];
  for (const one of [email, open])
    expect(
      (await createApi(url, admin.accessToken)('POST', '/v1/users', { body: { email: one, name, role: 'member' } }))
        .status,
    ).to.equal(201);
  const [invitation, openInvitation] = [await mailedToken(outbox, email), await mailedToken(outbox, open)];
  const accepted = await nobody<SignedIn>('POST', '/v1/auth/invitation/accept', {
    body: { token: invitation, name, password: first, language: 'tr' },
  });
  expect(accepted.status).to.equal(200);
  const { accessToken, refreshToken } = accepted.body;
  const refreshed = await nobody<{ refreshToken: string }>('POST', '/v1/auth/refresh', { body: { refreshToken } });
  expect(refreshed.status).to.equal(200);
  const wrong = canary();
  expect((await nobody('POST', '/v1/auth/login', { body: { email, password: wrong } })).status).to.equal(401);
  const body = { current: first, password: second };
  expect((await createApi(url, accessToken)('PUT', '/v1/auth/password', { body })).status).to.equal(204);
  expect((await nobody('POST', '/v1/auth/password/forgot', { body: { email } })).status).to.equal(202);
  const reset = await mailedToken(outbox, email, [invitation]);
  expect(
    (await nobody('POST', '/v1/auth/password/reset', { body: { token: reset, password: third } })).status,
  ).to.equal(204);
  expect((await nobody('POST', '/v1/auth/password/forgot', { body: { email: open } })).status).to.equal(202);
  const [moved, renamed] = [uniqueEmail(), `Fatma ${canary()}`];
  const person = createApi(url, (await signIn(url, { email, password: third })).accessToken);
  expect((await person('PATCH', '/v1/me', { body: { name: renamed } })).status).to.equal(200);
  expect((await person('POST', '/v1/me/email', { body: { email: moved, password: third } })).status).to.equal(202);
  const change = await mailedToken(outbox, moved);
  const secrets = {
    'the value of a credential': upstream,
    "a key's secret": issued.body.key.slice(-43),
    'an invitation': invitation,
    'an open invitation': openInvitation,
    'a first password': first,
    'a changed password': second,
    'a reset password': third,
    'a wrong password': wrong,
    'an access token': accessToken,
    "an access token's signature": accessToken.split('.')[2] ?? '',
    'a spent refresh token': refreshToken,
    'a refresh token': refreshed.body.refreshToken,
    'a reset token': reset,
    "an administrator's password": ADMIN.password,
    "an administrator's access token": admin.accessToken,
    'a link to another address': change,
  };
  const personal = {
    'an address': email,
    'an address that was only invited': open,
    'another address': moved,
    'a name': name,
    'a new name': renamed,
  };
  return { secrets, personal };
}

/** What is no secret to its reader, and must not lie open anywhere: it is sealed with the person's key. */
const hashes = ['$argon2', 'argon2id'];

describeFlow(
  'secrets',
  (flow) => {
    let secrets: Planted['secrets'];
    let personal: Planted['personal'];
    before(async function () {
      this.timeout(120_000);
      ({ secrets, personal } = await plant(flow()));
      // What was planted last has come to every read model.
      await eventually(async () => {
        const audit = await flow().api<{ data: { type: string }[] }>('GET', '/v1/audit?limit=100', {
          headers: { 'x-tenant-id': 'platform' },
        });
        expect(audit.body.data.map(({ type }) => type)).to.include('EmailChangeRequested');
      }, 20_000);
    });

    it('are in nothing that is stored', async function () {
      this.timeout(60_000);
      const places = await flow().stored();
      expect(Object.keys(places)).to.have.length.above(0);
      for (const [place, bytes] of Object.entries(places)) {
        expect(bytes.length, place).to.be.above(0);
        for (const [what, secret] of Object.entries({ ...secrets, ...personal }))
          expect(bytes.includes(secret), `${what} in ${place}`).to.equal(false);
        for (const sign of hashes) expect(bytes.includes(sign), `${sign} in ${place}`).to.equal(false);
      }
      // What is looked for would be found: something that is there is.
      expect(Object.values(places).some((bytes) => bytes.includes('SessionStarted'))).to.equal(true);
    });

    it('are not there folded, either, but for names and addresses in the words of the audit', async function () {
      this.timeout(60_000);
      // Whatever is folded keeps the letters and digits that nobody else has.
      const unique = (values: Readonly<Record<string, string>>) =>
        Object.entries(values).flatMap(([what, text]) =>
          (/[0-9a-f]{24}/.exec(text) ?? []).map((word) => ({ what, word })),
        );
      const [ofSecrets, ofPeople] = [unique(secrets), unique(personal)];
      expect([ofSecrets.length, ofPeople.length]).to.deep.equal([6, 5]);
      for (const { what, word } of ofSecrets) expect(await flow().placesOf(word), what).to.deep.equal([]);
      for (const { what, word } of ofPeople) expect(await flow().placesOf(word), what).to.deep.equal(['audit.words']);
    });

    it('are in no line that was logged', () => {
      const said = flow().printed();
      expect(said).to.include('/v1/auth/login');
      for (const [what, secret] of Object.entries({ ...secrets, ...personal }))
        expect(said.includes(secret), what).to.equal(false);
    });

    it('are in no answer to a GET', async function () {
      this.timeout(120_000);
      const { url } = flow();
      const { accessToken } = await signIn(url, ADMIN);
      // A stream of events has no end to wait for.
      const ends = ({ answers }: RouteContract) => answers[200]?.contentType !== 'text/event-stream';
      const gets = allRoutes.filter((route) => route.method === 'GET' && ends(route)).map(({ path }) => path);
      const tenants = ['default', 'platform'];
      let answered = 0;
      const look = async (path: string, tenant: string): Promise<string> => {
        const headers = { authorization: `Bearer ${accessToken}`, 'x-tenant-id': tenant };
        const answer = await fetch(`${url}${path}`, { headers });
        const text = await answer.text();
        if (answer.status === 200) answered++;
        for (const [what, secret] of Object.entries(secrets))
          expect(text.includes(secret), `${what} at ${path}`).to.equal(false);
        for (const sign of hashes) expect(text.includes(sign), `${sign} at ${path}`).to.equal(false);
        return text;
      };
      for (const tenant of tenants)
        for (const path of gets.filter((one) => !one.includes('{'))) {
          const text = await look(`${path}?limit=100`, tenant).then((found) =>
            found.includes('"object":"list"') ? found : look(path, tenant),
          );
          if (path === '/v1/audit/export') continue;
          const listed = (JSON.parse(text) as { data?: { id?: string; name?: string }[] }).data ?? [];
          for (const under of gets.filter(
            (one) => /^\/\{\w+\}(?!.*\{)/.test(one.slice(path.length)) && one.startsWith(`${path}/{`),
          ))
            for (const { id, name } of listed)
              await look(under.replace(/\{\w+\}/, encodeURIComponent(id ?? name ?? '')), tenant);
        }
      expect(answered).to.be.above(20);
      for (const tenant of tenants) {
        const lines = await look('/v1/audit/export?reads=true', tenant);
        const events = lines
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as AuditEventView);
        // What is looked for would be seen: what each event says is there.
        expect(lines).to.include('[secret]').and.include(personal['a new name']);
        await look('/v1/audit/export?format=csv&reads=true', tenant);
        for (const stream of new Set(events.map((event) => event.stream)))
          await look(`/v1/streams/${encodeURIComponent(stream)}?include=states&limit=100`, tenant);
        await look(`/v1/tenants/${tenant}/history?from=1`, tenant);
      }
    });
  },
  { env: { LOG_LEVEL: 'debug', ...MANY_SIGN_IN, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password } },
);
