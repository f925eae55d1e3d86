import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { LoginState } from '#events/login.ts';

export interface ClaimEmail {
  readonly userId: string;
  /** Whether who holds the present claim goes on to hold it. */
  readonly isHeld: boolean;
  readonly origin: Origin;
}

/** No events where it is held already, be it by another. */
export function decideClaimEmail({ userId, isHeld, origin }: ClaimEmail, state: LoginState): readonly NewEvent[] {
  const claimed = state.userId !== null && (isHeld || state.userId === userId);
  return claimed ? [] : [createEvent('EmailClaimed', { userId }, origin)];
}

/** Whoever counts tries counts anew from this event on, so it is told whether or not the log knows of a lock. */
export const decideUnlockLogin = (origin: Origin): readonly NewEvent[] => [createEvent('LoginUnlocked', {}, origin)];

export interface ReleaseEmail {
  readonly userId: string;
  readonly origin: Origin;
}

/** No events where another signs in by it by now. */
export const decideReleaseEmail = ({ userId, origin }: ReleaseEmail, state: LoginState): readonly NewEvent[] =>
  state.userId === userId ? [createEvent('EmailReleased', {}, origin)] : [];
