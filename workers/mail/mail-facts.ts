// What a mail needs to know beyond its event, looked up in the log at the time of sending, so that nothing is mailed that is
// void by then.

import type { Content } from '#events/content.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { type MemberState, members } from '#events/member.ts';
import { type TenantState, tenants } from '#events/tenant.ts';
import { type UserState, users } from '#events/user.ts';
import { type Contents, ERASED } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { type Decider, loadState } from '#platform/event-store/load-state.ts';
import type { Snapshots } from '#platform/event-store/snapshots.ts';

export interface MailFactPorts {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly snapshots: Snapshots;
  readonly contents: Pick<Contents, 'open'>;
}

export interface MailFacts {
  /** As it is now. */
  user(userId: string): Promise<UserState>;
  member(stream: string): Promise<MemberState>;
  tenant(tenantId: string): Promise<TenantState>;
  /** As it was right before one of its events. */
  userBefore(event: RecordedEvent): Promise<UserState>;
  /** What was sealed of a person; undefined once it was erased. */
  open(userId: string, sealed: Content): Promise<string | null | undefined>;
}

const PAGE = 500;

export function createMailFacts({ store, snapshots, contents }: MailFactPorts): MailFacts {
  const now = async <State>(stream: string, decider: Decider<State>): Promise<State> =>
    (await loadState({ store, stream, decider, snapshots })).state;
  return {
    user: (userId) => now(users.stream(userId), users),
    member: (stream) => now(stream, members),
    tenant: (tenantId) => now(tenants.stream(tenantId), tenants),
    async userBefore({ stream, revision }) {
      let state: UserState = users.initial;
      for (let from = 0; from < revision; from += PAGE) {
        const events = await store.readStream(stream, { from, limit: Math.min(PAGE, revision - from) });
        state = events.reduce(users.evolve, state);
      }
      return state;
    },
    async open(userId, sealed) {
      const opened = await contents.open(userId, sealed);
      if (opened === ERASED) return undefined;
      if (opened === null || typeof opened === 'string') return opened;
      throw new TypeError('a name or an address of a person is no text');
    },
  };
}
