// An invitation is accepted whole, wherever the server dies in between, and by nobody but whom it is for.

import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { invitationRoutes } from '#contracts/invitations.ts';
import type { SignedIn } from '#contracts/people.ts';
import { admins } from '#events/admins.ts';
import { invitationSubject, LINK_PURPOSES } from '#events/mail-link.ts';
import { members } from '#events/member.ts';
import { sessions } from '#events/session.ts';
import { categoryOf } from '#events/streams.ts';
import { users } from '#events/user.ts';
import { SIGN_IN_RULES } from '#platform/attempts/attempts.ts';
import { createLruAttempts } from '#platform/attempts/lru-attempts.ts';
import { createAccessKeys } from '#platform/auth/access-keys.ts';
import { createLinkToken } from '#platform/auth/link-token.ts';
import { createConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller } from '#platform/http/route.ts';
import { newId } from '#platform/new-id.ts';
import { decideOfferMembership, OFFER_MS } from '../../command-api/members/decide.ts';
import { createOrigins } from '../../command-api/origin.ts';
import { runCommand } from '../../command-api/run-command.ts';
import { createAcceptInvitation } from '../../command-api/users/accept-invitation.ts';
import { invitePerson } from '../../command-api/users/invite-person.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { AS_INVITED } from '../support/given-projection.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';
import { refusal } from '../support/refusal.ts';

const TENANT = 'acme';
const PASSWORD = 'a sentence of their own';
const by = () => ({ ...ORIGIN, commandId: newId(), eventId: newId(), repeatable: false });

describe('accepting an invitation', () => {
  let now = 1_800_000_000_000;
  let ports: PeoplePorts;
  beforeEach(async () => (ports = await openPeoplePorts(() => now)));
  afterEach(() => ports.keyring.close());

  /** Invites someone; answers who, and the token of the link in the mail. */
  async function invited(role = 'member', tenantId = TENANT) {
    const person = { id: newId(), email: 'ada@example.com', name: null, language: 'en', origin: by() };
    const { userId } = await invitePerson(ports, person);
    const origin = { ...by(), tenantId };
    await runCommand(ports, {
      aggregate: members,
      stream: members.stream(tenantId, userId),
      origin,
      refusals: { 'already-member': () => new Error('a member already') as never },
      decide: (state) => decideOfferMembership({ userId, role, ...AS_INVITED, now, origin }, state),
    });
    const subject = invitationSubject(tenantId, userId);
    return { userId, token: createLinkToken(ports.serverKey, LINK_PURPOSES.invitation, subject, origin.eventId) };
  }

  async function accept(token: string, password: string | undefined = PASSWORD, caller?: Caller): Promise<SignedIn> {
    const key = createSecretKey(randomBytes(32));
    const handler = createAcceptInvitation({
      ...ports,
      tokens: createConsistencyTokens({ secret: key, generation: 'g' }),
      origins: createOrigins({ secret: key, keyring: ports.keyring }),
      accessKeys: createAccessKeys(key, 1),
      attempts: createLruAttempts(SIGN_IN_RULES),
      passwords: {
        withRoom: (work) => work(async (text, hash) => ({ right: hash === `hash of ${text}`, stale: false })),
        hash: async (text) => `hash of ${text}`,
        isCommon: async () => false,
        close: async () => undefined,
      },
      homeOf: async () => TENANT,
      now: () => now,
    });
    const answer = await handler({
      route: invitationRoutes.acceptInvitation,
      requestId: newId(),
      traceparent: undefined,
      caller,
      params: undefined,
      query: undefined,
      body: { token, name: 'Ada', password },
      headers: {},
      idempotencyKey: undefined,
      consistencyToken: undefined,
      ifMatch: undefined,
      remoteAddress: '203.0.113.9',
      signal: new AbortController().signal,
    });
    expect(answer.status).to.equal(200);
    return answer.body as SignedIn;
  }

  const signedInAs = (userId: string): Caller => ({
    tenantId: TENANT,
    actor: { kind: 'user', id: userId },
    holder: userId,
    permissions: new Set(),
    permissionsIn: () => undefined,
  });
  const dieAt = (category: string) => {
    ports.before.append = (stream) => {
      if (categoryOf(stream) === category) throw new Error('died');
    };
  };
  const goOn = () => delete ports.before.append;
  const membershipOf = async (userId: string) => {
    const stream = members.stream(TENANT, userId);
    return (await loadState({ store: ports.store, stream, decider: members })).state.status;
  };
  const typesInLog = async () => (await ports.store.readAll(0n, 100)).map(({ type }) => type);

  it('makes the account, lists an administrator, accepts the part and starts a session, in this order', async () => {
    const { token } = await invited('admin');
    expect(await accept(token)).to.include({ tokenType: 'Bearer' });
    expect((await typesInLog()).slice(3)).to.deep.equal([
      'UserRegistered',
      'PasswordSet',
      'AdminAdded',
      'MembershipAccepted',
      'SessionStarted',
    ]);
    expect(await refusal(Problem, accept(token))).to.include({ code: 'token-spent', status: 410 });
  });

  it('is done with the role that the offer has by then', async () => {
    const { userId, token } = await invited('viewer');
    const [event] = await ports.store.readStream(members.stream(TENANT, userId));
    const changed = { ...event!, id: newId(), type: 'MembershipRoleChanged', data: { role: 'admin' } };
    await ports.store.append(members.stream(TENANT, userId), [changed], 0);
    await accept(token);
    expect(await typesInLog()).to.include('AdminAdded');
  });

  for (const category of [members.category, admins.category, sessions.category])
    it(`is gone on with where the server died before it wrote to ${category}`, async () => {
      const { userId, token } = await invited('admin');
      dieAt(category);
      await refusal(Error, accept(token));
      goOn();
      const isAccepted = category === sessions.category;
      expect(await membershipOf(userId)).to.equal(isAccepted ? 'active' : 'offered');
      if (isAccepted) {
        // All but the answer: whoever has the password signs in.
        expect(await refusal(Problem, accept(token))).to.include({ code: 'token-spent' });
        return;
      }
      expect(await refusal(Problem, accept(token, 'not what it was'))).to.include({ code: 'account-exists' });
      expect(await membershipOf(userId)).to.equal('offered');
      await accept(token);
      expect(await membershipOf(userId)).to.equal('active');
      expect((await typesInLog()).filter((type) => type === 'UserRegistered')).to.have.length(1);
    });

  it('is begun anew where the server died before there was an account', async () => {
    const { userId, token } = await invited();
    dieAt(users.category);
    await refusal(Error, accept(token));
    goOn();
    await accept(token, 'another sentence');
    expect(await membershipOf(userId)).to.equal('active');
  });

  it('needs who has an account to be signed in, whatever password is sent', async () => {
    const first = await invited();
    await accept(first.token);
    const second = await invited('viewer', 'other');
    expect(second.userId).to.equal(first.userId);
    for (const password of [PASSWORD, 'another sentence'])
      expect(await refusal(Problem, accept(second.token, password))).to.include({ code: 'account-exists' });
    expect(await refusal(Problem, accept(second.token, PASSWORD, signedInAs('another')))).to.include({ status: 403 });
    await accept(second.token, undefined, signedInAs(first.userId));
    expect((await typesInLog()).filter((type) => type === 'PasswordSet')).to.have.length(1);
  });

  it('is over after a week', async () => {
    const { token } = await invited();
    now += OFFER_MS;
    expect(await refusal(Problem, accept(token))).to.include({ code: 'token-spent' });
    now -= 1;
    await accept(token);
  });
});
