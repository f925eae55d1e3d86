import { v5 } from 'uuid';
import type { Content } from '#events/content.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { LoginState } from '#events/login.ts';
import { type Session, sessionExpiresAt, type SessionState, sessionStands } from '#events/session.ts';
import type { UserState } from '#events/user.ts';
import { CLOCK_LEEWAY_MS } from '#platform/auth/access-keys.ts';

/** How long after a refresh its token is taken once more: two tabs ask at once, or an answer was lost. */
const REPEAT_MS = 10_000;

export interface StartSession {
  readonly userId: string;
  /** The person's now. */
  readonly epoch: number;
  readonly origin: Origin;
}

export const decideStartSession = ({ origin, ...data }: StartSession, state: SessionState): readonly NewEvent[] =>
  state.status === 'absent' ? [createEvent('SessionStarted', data, origin)] : [];

export interface RefreshSession {
  readonly sessionId: string;
  /** Of the refresh token that was sent. */
  readonly number: number;
  readonly user: UserState | undefined;
  /** By the clock of `replica`. */
  readonly now: number;
  /** Who decides. */
  readonly replica: string;
  readonly origin: Origin;
}

/** Clocks of two replicas differ by no more than the leeway, and one's own goes back by no more. */
function isYoung(
  refreshedBy: Session['refreshedBy'],
  { now, replica }: Pick<RefreshSession, 'now' | 'replica'>,
): boolean {
  if (refreshedBy === null) return false;
  const elapsed = now - refreshedBy.at;
  const leeway = refreshedBy.replica === replica ? 0 : CLOCK_LEEWAY_MS;
  return elapsed >= -CLOCK_LEEWAY_MS && elapsed < REPEAT_MS + leeway;
}

/**
 * The number goes up by one. The token before the present one, while it is young, gets what its first use got: no event. Any
 * other that is used again has been copied, and ends the session.
 */
export function decideRefreshSession(
  { sessionId, number, user, now, replica, origin }: RefreshSession,
  state: SessionState,
): readonly NewEvent[] | 'ended' {
  if (state.status !== 'active') return 'ended';
  const { session } = state;
  if (sessionExpiresAt(session) <= now) return [createEvent('SessionEnded', { reason: 'expired' }, origin)];
  if (!sessionStands(sessionId, state, user, now)) return 'ended';
  if (number === session.number)
    return [createEvent('SessionRefreshed', { number: number + 1, at: now, replica }, origin)];
  if (number === session.number - 1 && isYoung(session.refreshedBy, { now, replica })) return [];
  return [createEvent('SessionEnded', { reason: 'refresh_reused' }, origin)];
}

export const decideEndSession = (
  { reason, origin }: { readonly reason: 'logged_out' | 'revoked' | 'expired'; readonly origin: Origin },
  state: SessionState,
): readonly NewEvent[] => (state.status === 'active' ? [createEvent('SessionEnded', { reason }, origin)] : []);

export interface EndSessions {
  /** The one that goes on, if any. */
  readonly keptSession: string | null;
  readonly origin: Origin;
}

export const decideEndSessions = ({ keptSession, origin }: EndSessions, state: UserState): readonly NewEvent[] =>
  state.status === 'absent' ? [] : [createEvent('SessionsEnded', { keptSession }, origin)];

export interface ChangePassword {
  /** The one that the present password was held against. */
  readonly verified: Content;
  readonly hash: Content;
  /** In which it was asked for. */
  readonly sessionId: string;
  readonly origin: Origin;
}

/** `changed`: another password has been set since. */
export function decideChangePassword(
  { verified, hash, sessionId, origin }: ChangePassword,
  state: UserState,
): readonly NewEvent[] | 'changed' {
  if (state.status !== 'active' || state.user.hash?.sealed !== verified.sealed) return 'changed';
  return [createEvent('PasswordSet', { hash, mustChange: false, keptSession: sessionId }, origin)];
}

/** Nothing where another password has been set since. */
export function decideRenewHash(
  { verified, hash, origin }: Pick<ChangePassword, 'verified' | 'hash' | 'origin'>,
  state: UserState,
): readonly NewEvent[] {
  if (state.status !== 'active' || state.user.hash?.sealed !== verified.sealed) return [];
  return [createEvent('PasswordHashRenewed', { hash }, origin)];
}

export interface GivePassword {
  /** Of who has no account yet. */
  readonly name: Content;
  readonly hash: Content;
  readonly mustChange: boolean;
  readonly origin: Origin;
}

/** Whoever they are, they can sign in by it: with an account, and enabled. All their sessions end. */
export function decideGivePassword(
  { name, hash, mustChange, origin }: GivePassword,
  state: UserState,
): readonly NewEvent[] {
  if (state.status === 'absent') return [];
  const by = (what: string) => ({ ...origin, eventId: v5(what, origin.eventId) });
  const { language, hash: before } = state.user;
  return [
    ...(state.status === 'disabled' ? [createEvent('UserEnabled', {}, by('enabled'))] : []),
    ...(before === null ? [createEvent('UserRegistered', { name, language }, by('registered'))] : []),
    createEvent('PasswordSet', { hash, mustChange, keptSession: null }, by('password')),
  ];
}

export interface FailLogin {
  readonly addressId: string;
  /** Until when this failure locks the address out; null where it does not. */
  readonly lockedUntil: number | null;
  /** How often the address had been unlocked when it was tried. */
  readonly unlocks: number;
  readonly origin: Origin;
}

/** Of an address that someone signs in by; of any other nothing is told. An unlock since then is not undone. */
export function decideFailLogin(
  { addressId, lockedUntil, unlocks, origin }: FailLogin,
  { userId, unlocks: unlocksNow }: LoginState,
): readonly NewEvent[] {
  if (userId === null) return [];
  const failed = createEvent('LoginFailed', { addressId }, origin);
  if (lockedUntil === null || unlocks !== unlocksNow) return [failed];
  const by = { ...origin, eventId: v5('locked', origin.eventId) };
  return [failed, createEvent('LoginLocked', { addressId, until: lockedUntil }, by)];
}
