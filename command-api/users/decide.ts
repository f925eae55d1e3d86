import { v5 } from 'uuid';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { Content } from '#events/content.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { InvitationState } from '#events/invitation.ts';
import type { UserState } from '#events/user.ts';

export interface InviteUser {
  readonly email: Content;
  readonly name: Content;
  readonly language: string;
  readonly origin: Origin;
}

export const decideInviteUser = ({ origin, ...data }: InviteUser, state: UserState): readonly NewEvent[] =>
  state.status === 'absent' ? [createEvent('UserInvited', data, origin)] : [];

export const decideAskInvitation = (
  { userId, origin }: { readonly userId: string; readonly origin: Origin },
  state: InvitationState,
): readonly NewEvent[] => (state.userId === null ? [createEvent('InvitationAsked', { userId }, origin)] : []);

export interface RegisterUser {
  readonly name: Content;
  readonly language: string;
  readonly hash: Content;
  readonly origin: Origin;
}

/** Makes an account of who was invited: their name and their first password, in one append. */
export function decideRegisterUser(
  { name, language, hash, origin }: RegisterUser,
  state: UserState,
): readonly NewEvent[] | 'account-exists' | 'token-spent' {
  if (state.status === 'active') return 'account-exists';
  if (state.status !== 'invited') return 'token-spent';
  const password = { hash, mustChange: false, keptSession: null };
  return [
    createEvent('UserRegistered', { name, language }, origin),
    createEvent('PasswordSet', password, { ...origin, eventId: v5('password', origin.eventId) }),
  ];
}

export function decideDisableUser(origin: Origin, state: UserState): readonly NewEvent[] | 'not-found' {
  if (state.status === 'absent') return 'not-found';
  return state.status === 'disabled' ? [] : [createEvent('UserDisabled', {}, origin)];
}

export function decideEnableUser(origin: Origin, state: UserState): readonly NewEvent[] | 'not-found' {
  if (state.status === 'absent') return 'not-found';
  return state.status === 'disabled' ? [createEvent('UserEnabled', {}, origin)] : [];
}
