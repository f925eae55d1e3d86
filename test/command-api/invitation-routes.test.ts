// Inviting tells nothing of who is invited: neither whether anyone else has, nor whether they have an account.

import { expect } from 'chai';
import { userRoutes } from '#contracts/users.ts';
import type { UserView } from '#contracts/users.ts';
import { createEvent } from '#events/create-event.ts';
import { users } from '#events/user.ts';
import type { Answer, Caller } from '#platform/http/route.ts';
import { newId } from '#platform/new-id.ts';
import { createInvitationHandlers } from '../../command-api/users/invitations.ts';
import { callerWith, callRoute, routePortsOf } from '../support/call-route.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';

const ADMIN = ['users:write', 'users:read', 'inference:write', 'inference:read', 'models:read'];
const NOW = Date.UTC(2026, 10, 28);

describe('inviting an address', () => {
  let ports: PeoplePorts;
  let routePorts: ReturnType<typeof routePortsOf>;
  let named: string[][];
  beforeEach(async () => {
    ports = await openPeoplePorts(() => NOW);
    routePorts = routePortsOf(ports);
    named = [];
    for (const tenant of ['acme', 'other']) await ports.keyring.createSubject(tenant);
  });
  afterEach(() => ports.keyring.close());

  const tokens = () => ({
    ...routePorts.tokens,
    issue(_: string, entries: readonly { readonly stream: string }[]) {
      named.push(entries.map(({ stream }) => stream));
      return 'token';
    },
  });
  const ask = (id: 'inviteUser' | 'resendInvitation', caller: Caller, asked: object) => {
    const handlers = createInvitationHandlers({ ...routePorts, tokens: tokens(), now: () => NOW });
    return callRoute([{ route: userRoutes[id], handle: handlers[id] as never }], id, caller, asked);
  };
  const invite = (tenantId: string, body: object, more: readonly string[] = []) =>
    ask('inviteUser', callerWith([...ADMIN, ...more], { tenantId }), {
      body: { role: 'member', language: 'en', ...body },
    });

  /** Someone who has an account, has changed their name since, and was disabled and enabled. */
  async function account(email: string): Promise<string> {
    const { id } = (await invite('other', { email, name: 'As another said', language: 'tr' })).body as UserView;
    const [name, hash] = [await ports.contents.seal(id, 'Ada King'), await ports.contents.seal(id, 'a hash')];
    const by = () => ({ ...ORIGIN, eventId: newId() });
    const events = [
      createEvent('UserRegistered', { name, language: 'tr' }, by()),
      createEvent('PasswordSet', { hash, mustChange: false, keptSession: null }, by()),
      createEvent('UserDisabled', {}, by()),
      createEvent('UserEnabled', {}, by()),
    ];
    await ports.store.append(users.stream(id), events, 'stream_exists');
    return id;
  }
  /** The answer, but for what each has of their own. */
  const shownOf = (answer: Answer) => {
    const { id } = answer.body as UserView;
    return JSON.parse(
      JSON.stringify(answer)
        .replaceAll(id, '<id>')
        .replaceAll(/[a-z]+@/gi, '<name>@'),
    ) as unknown;
  };

  it('is answered the same whether it is new, was invited elsewhere, or has an account', async () => {
    const known = await account('known@example.com');
    await invite('other', { email: 'waiting@example.com', name: 'As another said', language: 'tr' });
    named = [];
    const said = { name: 'Ada', language: 'en' };
    const answers: Answer[] = [];
    for (const name of ['NEW', 'KNOWN', 'WAITING'])
      answers.push(await invite('acme', { email: `${name}@example.com`, ...said }));
    const [fresh, ...others] = answers.map(shownOf);
    for (const other of others) expect(other).to.deep.equal(fresh);
    const { body, headers } = answers[1]!;
    expect(body).to.deep.include({
      id: known,
      email: 'KNOWN@example.com',
      name: 'Ada',
      language: 'en',
      status: 'invited',
      membership: 'offered',
      createdAt: new Date(NOW).toISOString(),
    });
    expect(headers).to.include({ etag: '"0"' });
    expect(named.map((streams) => streams.length)).to.deep.equal([1, 1, 1]);
    for (const streams of named) expect(streams[0]).to.match(/^member-acme-/);
  });

  it('is answered the same when the invitation is sent again', async () => {
    await account('known@example.com');
    const sent: unknown[] = [];
    for (const email of ['new@example.com', 'known@example.com']) {
      const { id } = (await invite('acme', { email, name: 'Ada' })).body as UserView;
      const caller = callerWith(ADMIN, { tenantId: 'acme' });
      sent.push(shownOf(await ask('resendInvitation', caller, { params: { id } })));
    }
    expect(sent[1]).to.deep.equal(sent[0]);
  });

  it('gives the person an id that does not say when they were made', async () => {
    const { id } = (await invite('acme', { email: 'new@example.com' })).body as UserView;
    expect(id[14]).to.equal('5');
  });

  it('takes about the same time', async () => {
    await account('known@example.com');
    for (const email of ['new@example.com', 'known@example.com']) {
      const begun = performance.now();
      await invite('acme', { email });
      expect(performance.now() - begun).to.be.at.least(249);
    }
  });

  it('shows the platform who it is', async () => {
    const id = await account('known@example.com');
    const { body, headers } = await invite('acme', { email: 'KNOWN@example.com', name: 'Ada' }, ['platform']);
    expect(body).to.include({ id, email: 'known@example.com', name: 'Ada King', language: 'tr', status: 'active' });
    expect(headers).to.include({ etag: '"4"' });
  });
});
