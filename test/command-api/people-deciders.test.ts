import { expect } from 'chai';
import { admins } from '#events/admins.ts';
import { createEvent } from '#events/create-event.ts';
import { logins } from '#events/login.ts';
import { members } from '#events/member.ts';
import { users } from '#events/user.ts';
import { decideClaimEmail, decideUnlockLogin } from '../../command-api/logins/decide.ts';
import {
  decideAcceptOffer,
  decideAddAdmin,
  decideBarAdmin,
  decideUnbarAdmin,
  decideAppoint,
  decideOfferMembership,
  decideRemoveAdmin,
  decideRemoveMember,
  decideRenewOffer,
  decideSetRole,
  decideWithdrawOffer,
  OFFER_MS,
} from '../../command-api/members/decide.ts';
import {
  decideDisableUser,
  decideEnableUser,
  decideInviteUser,
  decideRegisterUser,
} from '../../command-api/users/decide.ts';
import { given, ORIGIN } from '../support/given-decider.ts';
import { AS_INVITED, plainContent } from '../support/given-projection.ts';

const origin = ORIGIN;
const later = { ...ORIGIN, eventId: '018f0000-0000-7000-8000-00000000000a' };
const email = plainContent('ada@example.com');
const name = plainContent('Ada');
const hash = plainContent('$argon2id$');

describe('an e-mail address', () => {
  const claimed = createEvent('EmailClaimed', { userId: 'one' }, origin);
  const locked = createEvent('LoginLocked', { addressId: 'a', until: 9 }, origin);

  it('is whose claims it first', () => {
    given(logins, 'login-x')
      .when((state) => decideClaimEmail({ userId: 'one', isHeld: false, origin }, state))
      .thenEvents({ type: 'EmailClaimed', data: { userId: 'one' } });
    given(logins, 'login-x', [claimed])
      .when((state) => decideClaimEmail({ userId: 'two', isHeld: true, origin }, state))
      .thenNothing();
  });

  it('is claimed anew by its holder without an event, and by another when its holder has left it', () => {
    given(logins, 'login-x', [claimed])
      .when((state) => decideClaimEmail({ userId: 'one', isHeld: false, origin }, state))
      .thenNothing();
    given(logins, 'login-x', [claimed])
      .when((state) => decideClaimEmail({ userId: 'two', isHeld: false, origin }, state))
      .thenEvents({ type: 'EmailClaimed', data: { userId: 'two' } });
    given(logins, 'login-x', [claimed, createEvent('EmailReleased', {}, origin)])
      .when((state) => decideClaimEmail({ userId: 'two', isHeld: true, origin }, state))
      .thenEvents({ type: 'EmailClaimed', data: { userId: 'two' } });
  });

  it('is unlocked whether or not the log knows of a lock, and counts that it was', () => {
    for (const past of [[claimed], [claimed, locked]]) {
      const { state } = given(logins, 'login-x', past)
        .when(() => decideUnlockLogin(origin))
        .thenEvents({ type: 'LoginUnlocked' });
      expect(state).to.deep.equal({ userId: 'one', locks: [], unlocks: 1 });
    }
  });
});

describe('a person', () => {
  const invited = createEvent('UserInvited', { email, name, language: 'tr' }, origin);
  const registered = createEvent('UserRegistered', { name, language: 'tr' }, origin);
  const password = createEvent('PasswordSet', { hash, mustChange: false, keptSession: null }, origin);
  const disabled = createEvent('UserDisabled', {}, origin);

  it('is invited once', () => {
    const command = { email, name, language: 'tr', origin };
    given(users, 'user-1')
      .when((state) => decideInviteUser(command, state))
      .thenEvents({ type: 'UserInvited', data: { email, name, language: 'tr' } });
    given(users, 'user-1', [invited])
      .when((state) => decideInviteUser(command, state))
      .thenNothing();
  });

  it('has an account once it has a name and a password, both in one append', () => {
    const register = { name, language: 'en', hash, origin: later };
    given(users, 'user-1', [invited])
      .when((state) => decideRegisterUser(register, state))
      .thenEvents(
        { type: 'UserRegistered', data: { name, language: 'en' } },
        { type: 'PasswordSet', data: { hash, mustChange: false, keptSession: null } },
      );
    given(users, 'user-1', [invited, registered, password])
      .when((state) => decideRegisterUser(register, state))
      .thenRefused('account-exists');
    for (const past of [[], [invited, disabled]])
      given(users, 'user-1', past)
        .when((state) => decideRegisterUser(register, state))
        .thenRefused('token-spent');
  });

  it('is disabled and enabled again, each once', () => {
    for (const past of [[invited], [invited, registered, password]]) {
      given(users, 'user-1', past)
        .when((state) => decideDisableUser(origin, state))
        .thenEvents({ type: 'UserDisabled' });
      given(users, 'user-1', [...past, disabled])
        .when((state) => decideDisableUser(origin, state))
        .thenNothing();
      given(users, 'user-1', [...past, disabled])
        .when((state) => decideEnableUser(origin, state))
        .thenEvents({ type: 'UserEnabled' });
      given(users, 'user-1', past)
        .when((state) => decideEnableUser(origin, state))
        .thenNothing();
    }
  });

  it('is not disabled as nobody', () => {
    given(users, 'user-1')
      .when((state) => decideDisableUser(origin, state))
      .thenRefused('not-found');
    given(users, 'user-1')
      .when((state) => decideEnableUser(origin, state))
      .thenRefused('not-found');
  });
});

describe('a membership', () => {
  const stream = 'member-acme-u1';
  const offered = createEvent(
    'MembershipOffered',
    { userId: 'u1', role: 'viewer', expiresAt: 5, ...AS_INVITED },
    origin,
  );
  const accepted = createEvent('MembershipAccepted', {}, origin);
  const revoked = createEvent('MembershipRevoked', { keys: ['k1'] }, origin);
  const offer = { userId: 'u1', role: 'admin', ...AS_INVITED, now: 1_000, origin: later };
  const offeredAnew = {
    type: 'MembershipOffered',
    data: { userId: 'u1', role: 'admin', ...AS_INVITED, expiresAt: 1_000 + OFFER_MS },
  };

  it('is offered to who has none, is invited already, or was taken out; not to who has it', () => {
    for (const past of [[], [offered], [offered, revoked], [offered, accepted, revoked]])
      given(members, stream, past)
        .when((state) => decideOfferMembership(offer, state))
        .thenEvents(offeredAnew);
    given(members, stream, [offered, accepted])
      .when((state) => decideOfferMembership(offer, state))
      .thenRefused('already-member');
  });

  it('that is offered is offered again with its role, also when the offer is over', () => {
    const renew = { now: 1e12, origin: later };
    given(members, stream, [offered])
      .when((state) => decideRenewOffer(renew, state))
      .thenEvents({
        type: 'MembershipOffered',
        data: { userId: 'u1', role: 'viewer', ...AS_INVITED, expiresAt: 1e12 + OFFER_MS },
      });
    given(members, stream, [offered, accepted])
      .when((state) => decideRenewOffer(renew, state))
      .thenRefused('already-member');
    for (const past of [[], [offered, revoked]])
      given(members, stream, past)
        .when((state) => decideRenewOffer(renew, state))
        .thenRefused('not-found');
  });

  it('that is offered is accepted by its own link, once, while it is good', () => {
    const accept = { offeredBy: origin.eventId, now: 4, origin: later };
    given(members, stream, [offered])
      .when((state) => decideAcceptOffer(accept, state))
      .thenEvents({ type: 'MembershipAccepted' });
    const refused = [[], [offered, accepted], [offered, revoked], [offered, accepted, revoked]];
    for (const past of refused)
      given(members, stream, past)
        .when((state) => decideAcceptOffer(accept, state))
        .thenRefused('token-spent');
    const anew = createEvent('MembershipOffered', { userId: 'u1', role: 'viewer', expiresAt: 9, ...AS_INVITED }, later);
    for (const [past, by] of [
      [[offered], { ...accept, now: 5 }],
      [[offered], { ...accept, offeredBy: later.eventId }],
      [[offered, anew], accept],
      [[offered, revoked, anew], accept],
    ] as const)
      given(members, stream, past)
        .when((state) => decideAcceptOffer(by, state))
        .thenRefused('token-spent');
  });

  it('that is offered is taken back, twice as well as once', () => {
    given(members, stream, [offered])
      .when((state) => decideWithdrawOffer(origin, state))
      .thenEvents({ type: 'MembershipRevoked', data: { keys: [] } });
    given(members, stream, [offered, revoked])
      .when((state) => decideWithdrawOffer(origin, state))
      .thenNothing();
    given(members, stream, [offered, accepted])
      .when((state) => decideWithdrawOffer(origin, state))
      .thenRefused('already-member');
    given(members, stream)
      .when((state) => decideWithdrawOffer(origin, state))
      .thenRefused('not-found');
  });

  it('has a role, which is changed in an offer too', () => {
    const set = { role: 'admin', anew: false, origin };
    for (const past of [[offered], [offered, accepted]])
      given(members, stream, past)
        .when((state) => decideSetRole(set, state))
        .thenEvents({ type: 'MembershipRoleChanged', data: { role: 'admin' } });
    given(members, stream, [offered, accepted])
      .when((state) => decideSetRole({ ...set, role: 'viewer' }, state))
      .thenNothing();
    given(members, stream, [offered, accepted])
      .when((state) => decideSetRole({ ...set, role: 'viewer', anew: true }, state))
      .thenEvents({ type: 'MembershipRoleChanged', data: { role: 'viewer' } });
    for (const past of [[], [offered, revoked]])
      given(members, stream, past)
        .when((state) => decideSetRole(set, state))
        .thenRefused('not-found');
  });

  it('is given at once to who has an account, and offered to who has none', () => {
    given(members, stream)
      .when(() => decideAppoint(true, offer))
      .thenEvents(offeredAnew, { type: 'MembershipAccepted' });
    given(members, stream)
      .when(() => decideAppoint(false, offer))
      .thenEvents(offeredAnew);
  });

  it('ends once, and says which keys are left; a command that may be repeated leaves its event', () => {
    const remove = (keys: readonly string[], repeatable = false) => ({ keys, origin, repeatable });
    for (const past of [[offered], [offered, accepted]])
      given(members, stream, past)
        .when((state) => decideRemoveMember(remove(['k1', 'k2']), state))
        .thenEvents({ type: 'MembershipRevoked', data: { keys: ['k1', 'k2'] } });
    for (const keys of [['k1'], []])
      given(members, stream, [offered, accepted, revoked])
        .when((state) => decideRemoveMember(remove(keys), state))
        .thenNothing();
    for (const again of [remove(['k2']), remove(['k2'], true)])
      given(members, stream, [offered, accepted, revoked])
        .when((state) => decideRemoveMember(again, state))
        .thenEvents({ type: 'MembershipRevoked', data: { keys: ['k2'] } });
    given(members, stream, [offered, accepted, revoked])
      .when((state) => decideRemoveMember(remove(['k1'], true), state))
      .thenEvents({ type: 'MembershipRevoked', data: { keys: ['k1'] } });
    given(members, stream)
      .when((state) => decideRemoveMember(remove([]), state))
      .thenRefused('not-found');
  });
});

describe('the administrators of a tenant', () => {
  const added = (userId: string) => createEvent('AdminAdded', { userId }, origin);

  it('are each added once', () => {
    given(admins, 'admins-acme')
      .when((state) => decideAddAdmin({ userId: 'a', origin }, state))
      .thenEvents({ type: 'AdminAdded', data: { userId: 'a' } });
    given(admins, 'admins-acme', [added('a')])
      .when((state) => decideAddAdmin({ userId: 'a', origin }, state))
      .thenNothing();
  });

  it('are none who is disabled, and are not disabled', () => {
    const barred = createEvent('AdminBarred', { userId: 'a' }, origin);
    const unbarred = createEvent('AdminUnbarred', { userId: 'a' }, origin);
    const a = { userId: 'a', origin };
    given(admins, 'admins-platform', [added('b')])
      .when((state) => decideBarAdmin(a, state))
      .thenEvents({ type: 'AdminBarred', data: { userId: 'a' } });
    given(admins, 'admins-platform', [barred])
      .when((state) => decideBarAdmin(a, state))
      .thenNothing();
    given(admins, 'admins-platform', [added('a')])
      .when((state) => decideBarAdmin(a, state))
      .thenRefused('is-platform-admin');
    given(admins, 'admins-platform', [barred])
      .when((state) => decideAddAdmin(a, state))
      .thenRefused('barred');
    given(admins, 'admins-platform', [barred, unbarred])
      .when((state) => decideAddAdmin(a, state))
      .thenEvents({ type: 'AdminAdded', data: { userId: 'a' } });
  });

  it('are let on the list again when they are enabled, unless they are about to be disabled anew', () => {
    const barred = createEvent('AdminBarred', { userId: 'a' }, origin);
    given(admins, 'admins-platform', [barred])
      .when((state) => decideUnbarAdmin({ userId: 'a', isDisabled: true, origin }, state))
      .thenEvents({ type: 'AdminUnbarred', data: { userId: 'a' } });
    given(admins, 'admins-platform', [barred])
      .when((state) => decideUnbarAdmin({ userId: 'a', isDisabled: false, origin }, state))
      .thenNothing();
    given(admins, 'admins-platform')
      .when((state) => decideUnbarAdmin({ userId: 'a', isDisabled: true, origin }, state))
      .thenNothing();
  });

  it('lose one only while another stays', () => {
    const past = [added('a'), added('b')];
    given(admins, 'admins-acme', past)
      .when((state) => decideRemoveAdmin({ userId: 'a', anotherStays: true, origin }, state))
      .thenEvents({ type: 'AdminRemoved', data: { userId: 'a' } });
    given(admins, 'admins-acme', past)
      .when((state) => decideRemoveAdmin({ userId: 'a', anotherStays: false, origin }, state))
      .thenRefused('last-admin');
    given(admins, 'admins-acme', past)
      .when((state) => decideRemoveAdmin({ userId: 'c', anotherStays: false, origin }, state))
      .thenNothing();
  });
});
