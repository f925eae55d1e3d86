import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { EMAIL_CHANGE_MS, PASSWORD_RESET_MS } from '#events/mail-link.ts';
import { logins } from '#events/login.ts';
import { users } from '#events/user.ts';
import { decideReleaseEmail } from '../../command-api/logins/decide.ts';
import {
  BETWEEN_MAILS_MS,
  decideChangeEmail,
  decideOfferReset,
  decideRequestEmailChange,
  decideResetPassword,
} from '../../command-api/passwords/decide.ts';
import { given, ORIGIN } from '../support/given-decider.ts';
import { plainContent } from '../support/given-projection.ts';

const stream = 'user-u1';
const origin = ORIGIN;
/** When everything that is given happened. */
const AT = 1_000;
const DAY = 86_400_000;

const event = (id: string) => ({ ...ORIGIN, eventId: `018f0000-0000-7000-8000-0000000000${id}` });
const email = plainContent('ada@example.com');
const newEmail = plainContent('ada@new.example');
const hash = plainContent('hash');

const invited = createEvent('UserInvited', { email, name: plainContent(null), language: 'en' }, event('11'));
const registered = createEvent('UserRegistered', { name: plainContent('Ada'), language: 'en' }, event('12'));
const passwordSet = createEvent('PasswordSet', { hash, mustChange: false, keptSession: null }, event('13'));
const resetRequested = createEvent('PasswordResetRequested', {}, event('21'));
const resetAgain = createEvent('PasswordResetRequested', {}, event('22'));
const reset = createEvent('PasswordReset', { hash }, event('23'));
const changeRequested = createEvent('EmailChangeRequested', { email: newEmail }, event('31'));
const changeAgain = createEvent('EmailChangeRequested', { email }, event('32'));
const changed = createEvent('EmailChanged', { email: newEmail }, event('33'));
const disabled = createEvent('UserDisabled', {}, event('41'));
const enabled = createEvent('UserEnabled', {}, event('42'));
const sessionsEnded = createEvent('SessionsEnded', { keptSession: null }, event('43'));
const account = [invited, registered, passwordSet];

/** A link that was derived from this event. */
const of =
  ({ id }: { readonly id: string }) =>
  (eventId: string) =>
    eventId === id;

describe('a new password by mail', () => {
  const offer = (now: number) => (state: Parameters<typeof decideOfferReset>[1]) =>
    decideOfferReset({ now, origin }, state);

  it('is offered to people with an account alone', () => {
    given(users, stream, account).when(offer(AT)).thenEvents({ type: 'PasswordResetRequested' });
    given(users, stream).when(offer(AT)).thenNothing();
    given(users, stream, [invited]).when(offer(AT)).thenNothing();
    given(users, stream, [...account, disabled])
      .when(offer(AT))
      .thenNothing();
  });

  it('is offered once a minute, also where the link was used meanwhile', () => {
    const spent = given(users, stream, [...account, resetRequested, reset]);
    spent.when(offer(AT + BETWEEN_MAILS_MS - 1)).thenNothing();
    const asked = given(users, stream, [...account, resetRequested]);
    asked.when(offer(AT + BETWEEN_MAILS_MS - 1)).thenNothing();
    asked.when(offer(AT + BETWEEN_MAILS_MS)).thenEvents({ type: 'PasswordResetRequested' });
  });

  it('is offered five times a day', () => {
    const often = (times: number) => Array.from({ length: times }, () => resetRequested);
    given(users, stream, [...account, ...often(4)])
      .when(offer(AT + BETWEEN_MAILS_MS))
      .thenEvents({ type: 'PasswordResetRequested' });
    const asked = given(users, stream, [...account, ...often(5)]);
    asked.when(offer(AT + DAY - 1)).thenNothing();
    asked.when(offer(AT + DAY)).thenEvents({ type: 'PasswordResetRequested' });
  });

  const take =
    (fits: (eventId: string) => boolean, now = AT) =>
    (state: Parameters<typeof decideResetPassword>[1]) =>
      decideResetPassword({ hash, fits, now, origin }, state);

  it('is set once by the newest link, and ends every session', () => {
    const { state } = given(users, stream, [...account, resetRequested, resetAgain])
      .when(take(of(resetAgain)))
      .thenEvents({ type: 'PasswordReset', data: { hash } });
    expect(state).to.deep.include({ status: 'active' });
    expect('user' in state && state.user).to.include({ epoch: 2, keptSession: null, passwordReset: null });
  });

  it('is set up to the last moment of its half hour', () => {
    const asked = given(users, stream, [...account, resetRequested]);
    asked
      .when(take(of(resetRequested), AT + PASSWORD_RESET_MS - 1))
      .thenEvents({ type: 'PasswordReset', data: { hash } });
    asked.when(take(of(resetRequested), AT + PASSWORD_RESET_MS)).thenRefused('token-spent');
  });

  for (const [why, past] of [
    ['spent', [...account, resetRequested, reset]],
    ['voided by a newer one', [...account, resetRequested, resetAgain]],
    ['older than a password that was set since', [...account, resetRequested, passwordSet]],
    ['of somebody who was disabled', [...account, resetRequested, disabled]],
    ['of somebody who was disabled meanwhile', [...account, resetRequested, disabled, enabled]],
    ['older than an address that was changed since', [...account, resetRequested, changeRequested, changed]],
    ['of somebody without an account', [invited, resetRequested]],
    ['of nobody', []],
    ['made up', account],
  ] as const)
    it(`is not set by a link that is ${why}`, () => {
      given(users, stream, past)
        .when(take(of(resetRequested)))
        .thenRefused('token-spent');
    });
});

describe('another e-mail address', () => {
  const ask = (now: number) => (state: Parameters<typeof decideRequestEmailChange>[1]) =>
    decideRequestEmailChange({ email: newEmail, now, origin }, state);

  it('is asked for by people with an account, once a minute', () => {
    const requested = { type: 'EmailChangeRequested', data: { email: newEmail } };
    given(users, stream, account).when(ask(AT)).thenEvents(requested);
    given(users, stream, [invited]).when(ask(AT)).thenRefused('not-active');
    const asked = given(users, stream, [...account, changeRequested]);
    asked.when(ask(AT + BETWEEN_MAILS_MS - 1)).thenRefused('too-soon');
    asked.when(ask(AT + BETWEEN_MAILS_MS)).thenEvents(requested);
    given(users, stream, [...account, changeRequested, sessionsEnded])
      .when(ask(AT + BETWEEN_MAILS_MS - 1))
      .thenRefused('too-soon');
  });

  const confirm =
    (fits: (eventId: string) => boolean, now = AT) =>
    (state: Parameters<typeof decideChangeEmail>[1]) =>
      decideChangeEmail({ fits, now, origin }, state);

  it('becomes theirs by the newest link, and is then the one that was asked for', () => {
    given(users, stream, [...account, changeRequested])
      .when(confirm(of(changeRequested)))
      .thenEvents({ type: 'EmailChanged', data: { email: newEmail } });
  });

  for (const [why, past, now] of [
    ['spent', [...account, changeRequested, changed], AT],
    ['voided by a newer one', [...account, changeRequested, changeAgain], AT],
    ['an hour old', [...account, changeRequested], AT + EMAIL_CHANGE_MS],
    ['of somebody who was disabled', [...account, changeRequested, disabled], AT],
    ['of somebody who was disabled meanwhile', [...account, changeRequested, disabled, enabled], AT],
    ['older than a password that was set since', [...account, changeRequested, passwordSet], AT],
    ['older than a password that was set by mail', [...account, changeRequested, resetRequested, reset], AT],
    ['older than the end of all sessions', [...account, changeRequested, sessionsEnded], AT],
    ['made up', account, AT],
  ] as const)
    it(`is not confirmed by a link that is ${why}`, () => {
      given(users, stream, past)
        .when(confirm(of(changeRequested), now))
        .thenRefused('token-spent');
    });

  it('frees the old one, unless somebody else signs in by it by now', () => {
    const claimed = (userId: string) => [createEvent('EmailClaimed', { userId }, event('51'))];
    const release = (state: Parameters<typeof decideReleaseEmail>[1]) =>
      decideReleaseEmail({ userId: 'u1', origin }, state);
    given(logins, 'login-1', claimed('u1')).when(release).thenEvents({ type: 'EmailReleased' });
    given(logins, 'login-1', claimed('u2')).when(release).thenNothing();
    given(logins, 'login-1').when(release).thenNothing();
  });
});
