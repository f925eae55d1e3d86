// An e-mail address as the name that one signs in by: a claim, so that two people cannot have one. The stream is named
// from a keyed digest of the address, as stream names carry no one's text.

import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const ADDRESS = { name: 'addressId', type: 'string', doc: 'a keyed digest of the network address that tried' } as const;

const events = {
  EmailClaimed: [{ name: 'userId', type: 'string' }],
  EmailReleased: [],
  LoginFailed: [ADDRESS],
  LoginLocked: [ADDRESS, { name: 'until', type: 'long', doc: 'milliseconds since the epoch' }],
  LoginUnlocked: [],
} as const satisfies EventFields;

export interface LoginState {
  /** Who signs in by this address. */
  readonly userId: string | null;
  /** Until when whoever tries from where is locked out; the newest few. */
  readonly locks: readonly { readonly addressId: string; readonly until: number }[];
  /** How often all locks were taken away: tries from before count no longer, wherever they are counted. */
  readonly unlocks: number;
}

function evolve(state: LoginState, event: EventOf<typeof events>): LoginState {
  switch (event.type) {
    case 'EmailClaimed':
      return { ...state, userId: event.data.userId, locks: [] };
    case 'EmailReleased':
      return { ...state, userId: null, locks: [] };
    case 'LoginFailed':
      return state;
    case 'LoginLocked': {
      const others = state.locks.filter(({ addressId }) => addressId !== event.data.addressId);
      return { ...state, locks: [...others.slice(-19), event.data] };
    }
    case 'LoginUnlocked':
      return { ...state, locks: [], unlocks: state.unlocks + 1 };
  }
}

export const logins = defineAggregate({
  category: 'login',
  topic: 'defter.identity',
  events,
  fields: {},
  longest: 'unbounded',
  initial: { userId: null, locks: [], unlocks: 0 },
  evolve,
  standing: undefined,
});
