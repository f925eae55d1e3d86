// A person signed in somewhere. Its refresh tokens are derived from its id and a number, so the log holds none of them.

import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';
import type { SealedOrigin } from './envelope.ts';
import type { UserState } from './user.ts';

const events = {
  SessionStarted: [
    { name: 'userId', type: 'string' },
    { name: 'epoch', type: 'long', doc: "the person's: when theirs goes up, the session is over, unless it is kept" },
  ],
  SessionRefreshed: [
    { name: 'number', type: 'long', doc: 'of the refresh token that is good from now on' },
    {
      name: 'at',
      type: ['null', 'long'],
      doc: 'milliseconds since the epoch, by the clock of who decided; that of the log may be another',
      default: null,
    },
    { name: 'replica', type: ['null', 'string'], doc: 'who decided: another may have another clock', default: null },
  ],
  SessionEnded: [
    {
      name: 'reason',
      type: {
        type: 'enum',
        name: 'SessionEnd',
        symbols: ['logged_out', 'refresh_reused', 'revoked', 'expired'],
      },
    },
  ],
} as const satisfies EventFields;

export interface Session {
  readonly userId: string;
  readonly epoch: number;
  /** Of the refresh token that is good now; the first is 0. */
  readonly number: number;
  readonly startedAt: number;
  /** When the number last went up; the start's time at first. */
  readonly refreshedAt: number;
  /** When and by whom that was decided, by their own clock; null before the first time. */
  readonly refreshedBy: { readonly at: number; readonly replica: string | null } | null;
  /** From where it began. */
  readonly origin: SealedOrigin | null;
}

export type SessionState =
  { readonly status: 'absent' } | { readonly status: 'active' | 'ended'; readonly session: Session };

function evolve(state: SessionState, event: EventOf<typeof events>): SessionState {
  const { recordedAt: at, metadata } = event;
  if (event.type === 'SessionStarted') {
    const { userId, epoch } = event.data;
    const origin = metadata.origin ?? null;
    const session = { userId, epoch, number: 0, startedAt: at, refreshedAt: at, refreshedBy: null, origin };
    return { status: 'active', session };
  }
  if (state.status === 'absent') return state;
  if (event.type === 'SessionEnded') return { ...state, status: 'ended' };
  const { number, at: decidedAt, replica } = event.data;
  const refreshedBy = { at: decidedAt ?? at, replica };
  return { ...state, session: { ...state.session, number, refreshedAt: at, refreshedBy } };
}

export const sessions = defineAggregate({
  category: 'session',
  topic: 'defter.identity',
  events,
  fields: {},
  upcasts: { SessionRefreshed: [(data) => ({ ...(data as object), at: null, replica: null })] },
  longest: 'unbounded',
  initial: { status: 'absent' },
  evolve,
  standing: {
    listedWith: ({ session }) => session.userId,
    listedAt: ({ status, session }) => (status === 'active' ? session.startedAt : null),
  },
});

const DAY_MS = 86_400_000;
/** Since the last refresh, and in all. */
export const LONGEST_MS = { unused: 30 * DAY_MS, inAll: 90 * DAY_MS } as const;

/** When it ends by itself, in milliseconds since the epoch. */
export const sessionExpiresAt = ({ startedAt, refreshedAt }: Pick<Session, 'startedAt' | 'refreshedAt'>): number =>
  Math.min(refreshedAt + LONGEST_MS.unused, startedAt + LONGEST_MS.inAll);

/** Whether a session goes on: it has not ended, nor its person's epoch, and the person may act. */
export function sessionStands(
  id: string,
  state: SessionState | undefined,
  user: UserState | undefined,
  now: number,
): boolean {
  if (state?.status !== 'active' || user?.status !== 'active') return false;
  const { epoch, keptSession } = user.user;
  return sessionExpiresAt(state.session) > now && (state.session.epoch === epoch || keptSession === id);
}
