import { v5 } from 'uuid';
import type { AdminsState } from '#events/admins.ts';
import type { Content } from '#events/content.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { MemberState } from '#events/member.ts';

/** How long an offer is good. */
export const OFFER_MS = 7 * 86_400_000;

export interface OfferMembership {
  readonly userId: string;
  readonly role: string;
  /** As whoever invites them says. */
  readonly email: Content;
  readonly name: Content;
  readonly language: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly origin: Origin;
}

const offered = ({ now, origin, ...said }: OfferMembership) =>
  createEvent('MembershipOffered', { ...said, expiresAt: now + OFFER_MS }, origin);

/** An offer that is still open is voided by the new one. */
export const decideOfferMembership = (
  offer: OfferMembership,
  state: MemberState,
): readonly NewEvent[] | 'already-member' => (state.status === 'active' ? 'already-member' : [offered(offer)]);

/** Sends an offer again, expired or not, with the role that it has. */
export function decideRenewOffer(
  { now, origin }: Pick<OfferMembership, 'now' | 'origin'>,
  state: MemberState,
): readonly NewEvent[] | 'already-member' | 'not-found' {
  if (state.status === 'absent' || state.status === 'revoked') return 'not-found';
  const { userId, role, email, name, language } = state.member;
  return decideOfferMembership({ userId, role, email, name, language, now, origin }, state);
}

export interface AcceptOffer {
  /** Of the event that made the offer which the link is of. */
  readonly offeredBy: string;
  readonly now: number;
  readonly origin: Origin;
}

export const isOpenOffer = (
  state: MemberState,
  { offeredBy, now }: Omit<AcceptOffer, 'origin'>,
): state is Extract<MemberState, { readonly status: 'offered' | 'active' | 'revoked' }> =>
  state.status === 'offered' && state.member.offer?.eventId === offeredBy && now < state.member.offer.expiresAt;

/** An offer is good once, until it expires, a newer one is made, or it is taken back: refused alike. */
export const decideAcceptOffer = (offer: AcceptOffer, state: MemberState): readonly NewEvent[] | 'token-spent' =>
  isOpenOffer(state, offer) ? [createEvent('MembershipAccepted', {}, offer.origin)] : 'token-spent';

export function decideWithdrawOffer(
  origin: Origin,
  state: MemberState,
): readonly NewEvent[] | 'already-member' | 'not-found' {
  switch (state.status) {
    case 'absent':
      return 'not-found';
    case 'active':
      return 'already-member';
    case 'revoked':
      return [];
    case 'offered':
      return [createEvent('MembershipRevoked', { keys: [] }, origin)];
  }
}

export interface SetRole {
  readonly role: string;
  /** Says the role anew even where it is the same: whoever was about to take it is told by the conflict. */
  readonly anew: boolean;
  readonly origin: Origin;
}

/** Of someone who has a part in the tenant, or was offered one. */
export function decideSetRole({ role, anew, origin }: SetRole, state: MemberState): readonly NewEvent[] | 'not-found' {
  if (state.status === 'absent' || state.status === 'revoked') return 'not-found';
  return state.member.role === role && !anew ? [] : [createEvent('MembershipRoleChanged', { role }, origin)];
}

/**
 * Gives a part to someone who has none, and asks them nothing: offered and accepted at once. One without an account must
 * make it first, so to them it is an offer.
 */
export function decideAppoint(hasAccount: boolean, offer: OfferMembership): readonly NewEvent[] {
  const accepted = { ...offer.origin, eventId: v5('accepted', offer.origin.eventId) };
  return hasAccount ? [offered(offer), createEvent('MembershipAccepted', {}, accepted)] : [offered(offer)];
}

export interface RemoveMember {
  /** Ids of the API keys that they made in the tenant. */
  readonly keys: readonly string[];
  readonly origin: Origin;
  /** The command has an Idempotency-Key. Its event is what a repeat is known by, so it leaves one in any case. */
  readonly repeatable: boolean;
}

export function decideRemoveMember(
  { keys, origin, repeatable }: RemoveMember,
  state: MemberState,
): readonly NewEvent[] | 'not-found' {
  if (state.status === 'absent') return 'not-found';
  const isSo = state.status === 'revoked' && keys.every((id) => state.member.keysLeft.includes(id));
  return isSo && !repeatable ? [] : [createEvent('MembershipRevoked', { keys }, origin)];
}

export interface ListedAdmin {
  readonly userId: string;
  readonly origin: Origin;
}

export function decideAddAdmin(
  { userId, origin }: ListedAdmin,
  { userIds, barred }: AdminsState,
): readonly NewEvent[] | 'barred' {
  if (userIds.includes(userId)) return [];
  return barred.includes(userId) ? 'barred' : [createEvent('AdminAdded', { userId }, origin)];
}

/** Of someone who is about to be disabled: one of the two, to be added and to be disabled, is refused. */
export function decideBarAdmin(
  { userId, origin }: ListedAdmin,
  { userIds, barred }: AdminsState,
): readonly NewEvent[] | 'is-platform-admin' {
  if (userIds.includes(userId)) return 'is-platform-admin';
  return barred.includes(userId) ? [] : [createEvent('AdminBarred', { userId }, origin)];
}

export interface UnbarAdmin extends ListedAdmin {
  /** Whether they are disabled still: who is not may be about to be barred anew. */
  readonly isDisabled: boolean;
}

export const decideUnbarAdmin = (
  { userId, isDisabled, origin }: UnbarAdmin,
  { barred }: AdminsState,
): readonly NewEvent[] =>
  isDisabled && barred.includes(userId) ? [createEvent('AdminUnbarred', { userId }, origin)] : [];

export interface RemoveAdmin {
  readonly userId: string;
  /** Whether another of them can act as one. */
  readonly anotherStays: boolean;
  readonly origin: Origin;
}

export function decideRemoveAdmin(
  { userId, anotherStays, origin }: RemoveAdmin,
  { userIds }: AdminsState,
): readonly NewEvent[] | 'last-admin' {
  if (!userIds.includes(userId)) return [];
  return anotherStays ? [createEvent('AdminRemoved', { userId }, origin)] : 'last-admin';
}
