// A person, whichever tenants they are in. What is theirs is sealed with their own key, so that it can be erased.

import { type DataOf, defineAggregate, type EventFields, type EventOf } from './aggregate.ts';
import { contentSchema } from './content.ts';

const LANGUAGE = { name: 'language', type: 'string', doc: 'ISO 639-1' } as const;
const KEPT = {
  name: 'keptSession',
  type: ['null', 'string'],
  doc: 'the one session that goes on: all others end with this event',
  default: null,
} as const;

const events = {
  UserInvited: [
    { name: 'email', type: contentSchema('InvitedEmail') },
    { name: 'name', type: contentSchema('InvitedName'), doc: 'null where whoever invited gave none' },
    LANGUAGE,
  ],
  UserRegistered: [{ name: 'name', type: contentSchema('RegisteredName') }, LANGUAGE],
  UserRenamed: [{ name: 'name', type: contentSchema('UserName') }],
  LanguageSet: [LANGUAGE],
  PasswordSet: [
    { name: 'hash', type: contentSchema('PasswordHash'), doc: 'argon2id, with its parameters' },
    { name: 'mustChange', type: 'boolean', doc: 'true: it was made by Defter, and is good for setting one' },
    KEPT,
  ],
  PasswordHashRenewed: [{ name: 'hash', type: contentSchema('RenewedPasswordHash'), doc: 'of the same password' }],
  PasswordResetRequested: [],
  PasswordReset: [{ name: 'hash', type: contentSchema('ResetPasswordHash') }],
  EmailChangeRequested: [{ name: 'email', type: contentSchema('RequestedEmail') }],
  EmailChanged: [{ name: 'email', type: contentSchema('ChangedEmail') }],
  SessionsEnded: [KEPT],
  UserDisabled: [],
  UserEnabled: [],
} as const satisfies EventFields;

type Sealed = DataOf<typeof events, 'UserInvited'>['email'];

/** A request that a link in a mail answers: the link's secret is derived from the event's id. */
export interface LinkRequest {
  readonly eventId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface User {
  readonly email: Sealed;
  /** Of JSON null while nobody has said one. */
  readonly name: Sealed;
  readonly language: string;
  /** Null until the first password is set: nobody can sign in. */
  readonly hash: Sealed | null;
  readonly mustChangePassword: boolean;
  /** How often all sessions have been ended, by disabling too: a session is of the epoch in which it began. */
  readonly epoch: number;
  /** The session of an earlier epoch that goes on. */
  readonly keptSession: string | null;
  /** The newest that is not spent; it voids those before it. */
  readonly passwordReset: LinkRequest | null;
  readonly emailChange: (LinkRequest & { readonly email: Sealed }) | null;
  /** When a new password was last asked for, the newest few: what was spent or voided since counts too. */
  readonly resetsAskedAt: readonly number[];
  /** When another address was last asked for. */
  readonly emailChangeAskedAt: number | null;
  readonly createdAt: number;
}

export type UserState =
  | { readonly status: 'absent' }
  /** `invited`: has no account yet. `wasInvited` says which of the two an enabled person is. */
  | { readonly status: 'invited' | 'active'; readonly user: User }
  | { readonly status: 'disabled'; readonly wasInvited: boolean; readonly user: User };

function evolve(state: UserState, event: EventOf<typeof events>): UserState {
  const { data, recordedAt: at } = event;
  if (event.type === 'UserInvited') {
    const { email, name, language } = event.data;
    const user: User = {
      email,
      name,
      language,
      hash: null,
      mustChangePassword: false,
      epoch: 0,
      keptSession: null,
      passwordReset: null,
      emailChange: null,
      resetsAskedAt: [],
      emailChangeAskedAt: null,
      createdAt: at,
    };
    return { status: 'invited', user };
  }
  if (state.status === 'absent') return state;
  const changed = (change: Partial<User>): UserState => ({ ...state, user: { ...state.user, ...change } });
  const epoch = state.user.epoch + 1;
  // Whoever takes an account back must not lose it again to a link that another asked for.
  const withoutLinks = { passwordReset: null, emailChange: null };
  switch (event.type) {
    case 'UserRegistered':
      return { status: 'active', user: { ...state.user, ...event.data } };
    case 'UserRenamed':
    case 'LanguageSet':
    case 'PasswordHashRenewed':
      return changed(data);
    case 'PasswordSet': {
      const { hash, mustChange, keptSession } = event.data;
      return changed({ hash, mustChangePassword: mustChange, epoch, keptSession, ...withoutLinks });
    }
    case 'PasswordResetRequested':
      return changed({
        passwordReset: { eventId: event.id, at },
        resetsAskedAt: [...state.user.resetsAskedAt.slice(-9), at],
      });
    case 'PasswordReset': {
      const { hash } = event.data;
      return changed({ hash, mustChangePassword: false, epoch, keptSession: null, ...withoutLinks });
    }
    case 'EmailChangeRequested':
      return changed({ emailChange: { eventId: event.id, at, email: event.data.email }, emailChangeAskedAt: at });
    case 'EmailChanged':
      return changed({ email: event.data.email, ...withoutLinks });
    case 'SessionsEnded':
      return changed({ epoch, keptSession: event.data.keptSession, emailChange: null });
    case 'UserDisabled': {
      const user = { ...state.user, epoch, keptSession: null, ...withoutLinks };
      return { status: 'disabled', wasInvited: state.status === 'invited', user };
    }
    case 'UserEnabled':
      if (state.status !== 'disabled') return state;
      return { status: state.wasInvited ? 'invited' : 'active', user: state.user };
  }
}

export const users = defineAggregate({
  category: 'user',
  topic: 'defter.identity',
  events,
  fields: {
    UserInvited: { email: 'personal', name: 'personal' },
    UserRegistered: { name: 'personal' },
    UserRenamed: { name: 'personal' },
    PasswordSet: { hash: 'secret' },
    PasswordHashRenewed: { hash: 'secret' },
    PasswordReset: { hash: 'secret' },
    EmailChangeRequested: { email: 'personal' },
    EmailChanged: { email: 'personal' },
  },
  longest: 'unbounded',
  initial: { status: 'absent' },
  evolve,
  standing: { listedWith: () => undefined, listedAt: ({ user }) => user.createdAt },
});
