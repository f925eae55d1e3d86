// A person's part in a tenant: offered, then accepted.

import { type DataOf, defineAggregate, type EventFields, type EventOf } from './aggregate.ts';
import { contentSchema } from './content.ts';

const ROLE = { name: 'role', type: 'string' } as const;

const events = {
  MembershipOffered: [
    { name: 'userId', type: 'string' },
    ROLE,
    { name: 'expiresAt', type: 'long', doc: 'milliseconds since the epoch' },
    { name: 'email', type: contentSchema('OfferedEmail'), doc: 'as whoever invited wrote it' },
    { name: 'name', type: contentSchema('OfferedName'), doc: 'null where whoever invited gave none' },
    { name: 'language', type: 'string', doc: 'as whoever invited gave it' },
  ],
  MembershipAccepted: [],
  MembershipRoleChanged: [ROLE],
  MembershipRevoked: [
    {
      name: 'keys',
      type: { type: 'array', items: 'string' },
      doc: 'ids of the API keys that they had made in the tenant',
    },
  ],
} as const satisfies EventFields;

/** What the tenant is shown of someone until they accept: what it said itself, whether they have an account or not. */
type AsInvited = Pick<DataOf<typeof events, 'MembershipOffered'>, 'email' | 'name' | 'language'>;

export interface Member extends AsInvited {
  readonly tenantId: string;
  readonly userId: string;
  readonly role: string;
  /** The open offer, by the event that the link in its mail is derived from; a newer one voids it. */
  readonly offer: { readonly eventId: string; readonly expiresAt: number } | null;
  /** Of one that was revoked: ids of the API keys that they had made in the tenant. */
  readonly keysLeft: readonly string[];
  /** When it was first offered. */
  readonly since: number;
}

export type MemberState =
  { readonly status: 'absent' } | { readonly status: 'offered' | 'active' | 'revoked'; readonly member: Member };

function evolve(state: MemberState, event: EventOf<typeof events>): MemberState {
  if (event.type === 'MembershipOffered') {
    const { expiresAt, ...said } = event.data;
    const since = state.status === 'offered' ? state.member.since : event.recordedAt;
    const { tenantId } = event.metadata;
    const offer = { eventId: event.id, expiresAt };
    return { status: 'offered', member: { ...said, tenantId, offer, keysLeft: [], since } };
  }
  if (state.status === 'absent') return state;
  const { member } = state;
  switch (event.type) {
    case 'MembershipAccepted':
      return { status: 'active', member: { ...member, offer: null } };
    case 'MembershipRoleChanged':
      return { ...state, member: { ...member, role: event.data.role } };
    case 'MembershipRevoked':
      return { status: 'revoked', member: { ...member, offer: null, keysLeft: event.data.keys } };
  }
}

export const members = defineAggregate({
  category: 'member',
  topic: 'defter.identity',
  events,
  fields: { MembershipOffered: { email: 'personal', name: 'personal' } },
  longest: 'unbounded',
  initial: { status: 'absent' },
  evolve,
  standing: {
    listedWith: ({ member }) => [member.tenantId, member.userId],
    listedAt: ({ status, member }) => (status === 'revoked' ? null : member.since),
  },
});
