// One person for each e-mail address, whoever invites them, how often, at once, and wherever the server dies in between.

import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { logins } from '#events/login.ts';
import { categoryOf } from '#events/streams.ts';
import { users } from '#events/user.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { newId } from '#platform/new-id.ts';
import { Problem } from '#platform/http/problem.ts';
import { claimEmail } from '../../command-api/logins/claim-email.ts';
import { loginStreamOf } from '../../command-api/logins/login-stream.ts';
import { invitePerson } from '../../command-api/users/invite-person.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { openPeoplePorts, type PeoplePorts } from '../support/people-ports.ts';
import { refusal } from '../support/refusal.ts';

interface By {
  readonly commandId: string;
  readonly eventId: string;
  readonly repeatable: boolean;
}

const once = (): By => ({ commandId: newId(), eventId: newId(), repeatable: false });
const keyed = (): By => ({ ...once(), repeatable: true });

describe('who signs in by an e-mail address', () => {
  let ports: PeoplePorts;
  beforeEach(async () => (ports = await openPeoplePorts()));
  afterEach(() => ports.keyring.close());

  const invite = (email: string, by = once(), name: string | null = 'Ada') =>
    invitePerson(ports, { id: by.commandId, email, name, language: 'tr', origin: { ...ORIGIN, ...by } });
  const typesInLog = async () => (await ports.store.readAll(0n, 100)).map(({ type }) => type);
  const claimantOf = async (email: string) => {
    const stream = loginStreamOf(ports.serverKey, email);
    return (await loadState({ store: ports.store, stream, decider: logins })).state.userId;
  };
  /** The server dies before an append to a stream of this kind. */
  const dieAt = (category: string) => {
    ports.before.append = (stream) => {
      if (categoryOf(stream) === category) throw new Error('died');
    };
  };
  const goOn = () => delete ports.before.append;

  it('is made by the first who invites them, sealed with a key of their own, in the log of no tenant', async () => {
    const { userId, user, status } = await invite('ada@example.com');
    expect(status).to.equal('invited');
    expect(await ports.contents.open(userId, user.email)).to.equal('ada@example.com');
    expect(await ports.contents.open(userId, user.name)).to.equal('Ada');
    const log = await ports.store.readAll(0n, 100);
    expect(log.map(({ type, metadata }) => [type, metadata.tenantId])).to.deep.equal([
      ['EmailClaimed', 'platform'],
      ['UserInvited', 'platform'],
    ]);
    expect(user.email.keyId.startsWith(`${userId}/`)).to.equal(true);
    expect(JSON.stringify(log, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
      .not.to.include('ada@')
      .and.not.to.include('Ada"');
  });

  it('is the same for whoever invites them later, and keeps what the first said of them', async () => {
    const first = await invite('ada@example.com');
    const second = await invite('ada@example.com', once(), 'Somebody else');
    expect(second).to.deep.include({ userId: first.userId, user: first.user });
    expect(await typesInLog()).to.deep.equal(['EmailClaimed', 'UserInvited']);
  });

  const same: readonly (readonly [string, string])[] = [
    ['Ada@Example.COM', 'ada@example.com'],
    ['ada@BÜCHER.example', 'ada@xn--bcher-kva.example'],
    ['İpek@example.com', 'ipek@example.com'],
    ['ipek@example.com', 'IPEK@example.com'],
    ['u\u0308mit@example.com', 'Ümit@example.com'],
    ['ΝΊΚΟΣ@example.com', 'νίκος@example.com'],
    ['"ada lovelace"@example.com', '"Ada Lovelace"@EXAMPLE.com'],
    ['"ada"@example.com', 'ada@example.com'],
    [String.raw`"\a\d\a.l"@example.com`, 'ada.l@example.com'],
    [String.raw`"ada\ lovelace"@example.com`, '"ada lovelace"@example.com'],
    ['"ÇİĞDEM"@example.com', 'çiğdem@example.com'],
  ];
  for (const [one, other] of same)
    it(`is one person by ${one} and by ${other}`, async () => {
      expect((await invite(one)).userId).to.equal((await invite(other)).userId);
    });

  const different: readonly (readonly [string, string])[] = [
    ['ılgın@example.com', 'ilgin@example.com'],
    ['ılgın@example.com', 'ILGIN@example.com'],
    ['ada@example.com', 'ada@example.org'],
    ['ada@example.com', 'ada+defter@example.com'],
    ['a.da@example.com', 'ada@example.com'],
    ['"ada."@example.com', 'ada@example.com'],
    ['"ada"@example.com', '" ada"@example.com'],
    [String.raw`"a\"da"@example.com`, 'ada@example.com'],
    [String.raw`"a\\da"@example.com`, String.raw`"a\da"@example.com`],
    ['straße@example.com', 'strasse@example.com'],
    ['ada@faß.example', 'ada@fass.example'],
  ];
  for (const [one, other] of different)
    it(`are two people by ${one} and by ${other}`, async () => {
      expect((await invite(one)).userId).not.to.equal((await invite(other)).userId);
    });

  it('is made once though many invite them at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => invite(n % 2 ? 'a@x.org' : 'A@X.ORG')));
    expect(new Set(all.map(({ userId }) => userId)).size).to.equal(1);
    expect((await typesInLog()).filter((type) => type === 'UserInvited')).to.have.length(1);
  });

  it('is made by whoever comes next where the server died after the claim', async () => {
    dieAt(users.category);
    const late = keyed();
    await refusal(Error, invite('ada@example.com', late));
    expect(await typesInLog()).to.deep.equal(['EmailClaimed', 'InvitationAsked']);
    goOn();
    const next = await invite('ada@example.com');
    expect(next.userId).to.equal(late.commandId);
    expect((await invite('ada@example.com', late)).userId).to.equal(next.userId);
    expect(await typesInLog()).to.deep.equal(['EmailClaimed', 'InvitationAsked', 'UserInvited']);
  });

  it('is made by the repeat where the server died after the claim', async () => {
    dieAt(users.category);
    const by = keyed();
    await refusal(Error, invite('ada@example.com', by));
    goOn();
    const [one, two] = await Promise.all([invite('ada@example.com', by), invite('ada@example.com', by)]);
    expect([one.userId, two.userId]).to.deep.equal([by.commandId, by.commandId]);
    expect(one.user).to.deep.equal(two.user);
    expect(await typesInLog()).to.deep.equal(['EmailClaimed', 'InvitationAsked', 'UserInvited']);
  });

  it('is answered to a repeat as the first time, and a key used for another address is refused', async () => {
    const by = keyed();
    const first = await invite('ada@example.com', by);
    expect(await invite('ada@example.com', by)).to.deep.include({ userId: first.userId, user: first.user });
    const other = { ...by, eventId: newId() };
    expect(await refusal(Problem, invite('eve@example.com', other))).to.include({ code: 'idempotency-key-reused' });
    expect(await claimantOf('eve@example.com')).to.equal(null);
  });

  it('who is there already is answered to a repeat too, and the key is refused for another address', async () => {
    const { userId } = await invite('ada@example.com');
    const by = keyed();
    for (const _ of ['first', 'repeat']) expect((await invite('ada@example.com', by)).userId).to.equal(userId);
    const other = { ...by, eventId: newId() };
    expect(await refusal(Problem, invite('eve@example.com', other))).to.include({ code: 'idempotency-key-reused' });
    expect(await claimantOf('eve@example.com')).to.equal(null);
    expect(await typesInLog()).to.deep.equal(['EmailClaimed', 'UserInvited', 'InvitationAsked']);
  });

  describe('and then changes it', () => {
    const changed = async (userId: string, to: string) => {
      const stream = users.stream(userId);
      const origin = { ...ORIGIN, eventId: newId() };
      const email = await ports.contents.seal(userId, to);
      await ports.store.append(stream, [createEvent('EmailChangeRequested', { email }, origin)], 'stream_exists');
      return async () => {
        const by = { ...ORIGIN, eventId: newId() };
        await ports.store.append(stream, [createEvent('EmailChanged', { email }, by)], 'stream_exists');
      };
    };

    it('has the new one before it is confirmed by nobody else, and the old one no more when it was left', async () => {
      const { userId } = await invite('old@example.com');
      const confirm = await changed(userId, 'new@example.com');
      const origin = { ...ORIGIN, eventId: newId() };
      expect((await claimEmail(ports, { email: 'new@example.com', userId, origin })).userId).to.equal(userId);
      expect((await invite('New@example.com')).userId).to.equal(userId);
      expect((await invite('old@example.com')).userId).to.equal(userId);
      await confirm();
      // The server died before the old address was released.
      expect(await claimantOf('old@example.com')).to.equal(userId);
      const heir = await invite('old@example.com');
      expect(heir.userId).not.to.equal(userId);
      expect(await claimantOf('old@example.com')).to.equal(heir.userId);
      expect((await invite('new@example.com')).userId).to.equal(userId);
    });

    it('is answered to the repeat of their invitation, though the address is another’s by then', async () => {
      const by = keyed();
      const first = await invite('old@example.com', by);
      await (
        await changed(first.userId, 'new@example.com')
      )();
      const heir = await invite('old@example.com');
      expect((await invite('old@example.com', by)).userId)
        .to.equal(first.userId)
        .and.not.to.equal(heir.userId);
    });
  });
});
