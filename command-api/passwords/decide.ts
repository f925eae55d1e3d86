import type { Content } from '#events/content.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { EMAIL_CHANGE_MS, isOpen, PASSWORD_RESET_MS } from '#events/mail-link.ts';
import type { LinkRequest, UserState } from '#events/user.ts';

/** Milliseconds from one mail that an account is sent to the next. */
export const BETWEEN_MAILS_MS = 60_000;

const DAY_MS = 86_400_000;
/** The state holds ten of them. */
const MOST_RESETS_A_DAY = 5;

export interface Timed {
  readonly now: number;
  readonly origin: Origin;
}

/**
 * Only people with an account are offered a new password, by one mail a minute and five a day: anyone may ask, and each
 * mail voids the link of the one before it.
 */
export function decideOfferReset({ now, origin }: Timed, state: UserState): readonly NewEvent[] {
  if (state.status !== 'active') return [];
  const asked = (withinMs: number) => state.user.resetsAskedAt.filter((at) => now < at + withinMs).length;
  if (asked(BETWEEN_MAILS_MS) > 0 || asked(DAY_MS) >= MOST_RESETS_A_DAY) return [];
  return [createEvent('PasswordResetRequested', {}, origin)];
}

export interface ByLink extends Timed {
  /** Whether the link is the one that was offered by this event. */
  readonly fits: (eventId: string) => boolean;
}

/** The offer that a link takes up; undefined for a link that is spent, expired, voided by a newer one, or none of ours. */
export function openReset({ now, fits }: Pick<ByLink, 'now' | 'fits'>, state: UserState): LinkRequest | undefined {
  const request = state.status === 'active' ? state.user.passwordReset : null;
  return isOpen(request, PASSWORD_RESET_MS, now) && fits(request.eventId) ? request : undefined;
}

export interface ResetPassword extends ByLink {
  readonly hash: Content;
}

export function decideResetPassword(command: ResetPassword, state: UserState): readonly NewEvent[] | 'token-spent' {
  const { hash, origin } = command;
  return openReset(command, state) ? [createEvent('PasswordReset', { hash }, origin)] : 'token-spent';
}

export interface RequestEmailChange extends Timed {
  readonly email: Content;
}

export function decideRequestEmailChange(
  { email, now, origin }: RequestEmailChange,
  state: UserState,
): readonly NewEvent[] | 'not-active' | 'too-soon' {
  if (state.status !== 'active') return 'not-active';
  const { emailChangeAskedAt: last } = state.user;
  return last !== null && now < last + BETWEEN_MAILS_MS
    ? 'too-soon'
    : [createEvent('EmailChangeRequested', { email }, origin)];
}

/** The address that a link confirms; undefined as above. */
export function openEmailChange({ now, fits }: Pick<ByLink, 'now' | 'fits'>, state: UserState): Content | undefined {
  const request = state.status === 'active' ? state.user.emailChange : null;
  if (request === null || !isOpen(request, EMAIL_CHANGE_MS, now)) return undefined;
  return fits(request.eventId) ? request.email : undefined;
}

/** The new address is claimed by then. */
export function decideChangeEmail(command: ByLink, state: UserState): readonly NewEvent[] | 'token-spent' {
  const email = openEmailChange(command, state);
  return email ? [createEvent('EmailChanged', { email }, command.origin)] : 'token-spent';
}
