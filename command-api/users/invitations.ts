// Inviting into the tenant of the request.

import { v5 } from 'uuid';
import type { Role } from '#contracts/permissions.ts';
import { problems } from '#contracts/problems.ts';
import { revisionOfUser } from '#contracts/views.ts';
import type { userRoutes } from '#contracts/users.ts';
import { type MemberState, members } from '#events/member.ts';
import { users } from '#events/user.ts';
import type { Decision } from '#platform/event-store/handle-command.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { Problem } from '#platform/http/problem.ts';
import { type Answer, type Caller, etagOf, type Handler, type RequestOf } from '#platform/http/route.ts';
import type { CommandOrigin } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, type Done, notFound, runCommand } from '../run-command.ts';
import { atLeast } from '../passwords/at-least.ts';
import { decideOfferMembership, decideRenewOffer, decideWithdrawOffer } from '../members/decide.ts';
import { requireMayGive } from '../members/roles.ts';
import { invitePerson, type PersonPorts } from './invite-person.ts';
import { showPerson } from './show-person.ts';

export interface InvitationPorts extends CommandRoutePorts, PersonPorts {
  readonly now: () => number;
}

/** Inviting whom someone else has invited before is less work: how much there was is not to be seen. */
const ANSWER_AFTER_MS = 250;

/** Of the person as the caller is shown them. */
const etagFor = ({ permissions }: Caller, user: number, { state, written }: Done<MemberState>): string => {
  const membership = state.status === 'absent' ? undefined : { status: state.status, revision: written.revision };
  return etagOf(revisionOfUser(user, membership, permissions.has('platform')));
};

const alreadyMember = () =>
  new Problem(problems['already-member'], { detail: 'They have a part in this tenant already.' });

export function createInvitationHandlers(ports: InvitationPorts) {
  const { store, snapshots, contents, tokens, origins, now } = ports;

  const toOffer = async (
    userId: string,
    origin: CommandOrigin,
    decide: (state: MemberState) => Decision<'already-member' | 'not-found'>,
  ): Promise<Done<MemberState>> => {
    const stream = members.stream(origin.tenantId, userId);
    const done = await runCommand(ports, {
      aggregate: members,
      stream,
      origin,
      refusals: { 'already-member': alreadyMember, 'not-found': notFound },
      decide,
    });
    if (!origin.repeatable) return done;
    // Of two that are the same and come at once the log keeps one's event: it says until when the offer is good.
    const { asked } = await loadState({ store, stream, decider: members, command: origin });
    return { ...done, state: asked?.after.state ?? done.state };
  };

  const invite = async (request: RequestOf<typeof userRoutes.inviteUser>): Promise<Answer> => {
    const { caller, body } = request;
    const { email, name = null, role, language } = body;
    requireMayGive(role, caller.tenantId, caller.permissions);
    const origin = await origins(request);
    // An id that does not tell when they were made, as the command's own would.
    const id = v5('person', origin.subjectId);
    const person = await invitePerson(ports, { id, email, name, language, origin });
    const { userId, revision } = person;
    const said = { email: await contents.seal(userId, email), name: await contents.seal(userId, name), language };
    const done = await toOffer(userId, origin, (state) =>
      decideOfferMembership({ userId, role, ...said, now: now(), origin }, state),
    );
    return {
      status: 201,
      headers: {
        location: `/v1/users/${userId}`,
        // Of the membership alone: where the person's own events stand in the log tells how old they are.
        ...acknowledge(tokens, caller.holder, done),
        etag: etagFor(caller, revision, done),
      },
      body: await showPerson(contents, userId, person, done.state, caller),
    };
  };

  const inviteUser: Handler<typeof userRoutes.inviteUser> = (request) => atLeast(ANSWER_AFTER_MS, invite(request));

  const resendInvitation: Handler<typeof userRoutes.resendInvitation> = async (request) => {
    const { caller, params } = request;
    const userId = params.id;
    const origin = await origins(request);
    const done = await toOffer(userId, origin, (state) => {
      if (state.status === 'offered') requireMayGive(state.member.role as Role, caller.tenantId, caller.permissions);
      return decideRenewOffer({ now: now(), origin }, state);
    });
    const person = await loadState({ store, snapshots, stream: users.stream(userId), decider: users });
    if (person.state.status === 'absent') throw new Error(`${done.written.stream} is of nobody`);
    return {
      status: 200,
      headers: {
        ...acknowledge(tokens, caller.holder, done),
        etag: etagFor(caller, person.revision, done),
      },
      body: await showPerson(contents, userId, person.state, done.state, caller),
    };
  };

  const revokeInvitation: Handler<typeof userRoutes.revokeInvitation> = async (request) => {
    const { caller, params } = request;
    const origin = await origins(request);
    const done = await toOffer(params.id, origin, (state) => decideWithdrawOffer(origin, state));
    return { status: 204, headers: acknowledge(tokens, caller.holder, done) };
  };

  return { inviteUser, resendInvitation, revokeInvitation };
}
