// Whom a command to invite, which may be sent again, is about: its stream is named from the command, so a repeat finds the
// same person whoever has the address by then, and the same key with another address is known.

import { defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const events = { InvitationAsked: [{ name: 'userId', type: 'string' }] } as const satisfies EventFields;

export interface InvitationState {
  readonly userId: string | null;
}

const evolve = (_: InvitationState, { data }: EventOf<typeof events>): InvitationState => ({ userId: data.userId });

export const invitations = defineAggregate({
  category: 'invitation',
  topic: 'defter.identity',
  events,
  fields: {},
  longest: 1,
  initial: { userId: null },
  evolve,
  standing: undefined,
});
