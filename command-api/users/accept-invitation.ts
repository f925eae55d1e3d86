// Accepting an invitation by the link in its mail. Whoever has no account makes it with that; whoever has one accepts signed
// in, as the link alone must not be enough to act as them. The account is made first, then the part is accepted: where the
// server dies in between, the same request goes on.

import type { KeyObject } from 'node:crypto';
import { v5 } from 'uuid';
import type { invitationRoutes } from '#contracts/invitations.ts';
import { problems } from '#contracts/problems.ts';
import { LINK_PURPOSES, readInvitationSubject } from '#events/mail-link.ts';
import { members } from '#events/member.ts';
import { PLATFORM } from '#events/model.ts';
import { type User, users } from '#events/user.ts';
import { linkTokenFits, readLinkToken } from '#platform/auth/link-token.ts';
import type { Contents } from '#platform/content/content.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { type FieldFault, Problem } from '#platform/http/problem.ts';
import type { Handler, RequestOf } from '#platform/http/route.ts';
import { actingAs, type SessionPorts, startSession } from '../auth/start-session.ts';
import { tryOwnPassword } from '../auth/try-own-password.ts';
import { type PasswordPorts, sealNewPassword } from '../auth/try-password.ts';
import { decideAcceptOffer, isOpenOffer } from '../members/decide.ts';
import { addAdmin } from '../members/keep-admins.ts';
import { isAdminRole } from '../members/roles.ts';
import type { CommandOrigin } from '../origin.ts';
import { runCommand, type Written } from '../run-command.ts';
import { decideRegisterUser } from './decide.ts';

export interface AcceptPorts extends SessionPorts, PasswordPorts {
  readonly contents: Contents;
  /** Tokens of links are derived by it. */
  readonly serverKey: KeyObject;
}

type AcceptRequest = RequestOf<typeof invitationRoutes.acceptInvitation>;

const spent = () =>
  new Problem(problems['token-spent'], { detail: 'This invitation is no longer good; ask for another one.' });

const accountExists = () =>
  new Problem(problems['account-exists'], { detail: 'You have an account: sign in, then accept the invitation.' });

const someoneElse = () =>
  new Problem(problems.forbidden, { detail: 'This invitation is for someone else than who is signed in.' });

interface Offer {
  readonly tenantId: string;
  readonly userId: string;
  /** Of the event that made it. */
  readonly offeredBy: string;
}

interface Person {
  readonly userId: string;
  readonly user: User;
  /** Whether their account was made by this very link. */
  readonly madeByThis: boolean;
}

export function createAcceptInvitation(ports: AcceptPorts): Handler<typeof invitationRoutes.acceptInvitation> {
  const { store, snapshots, tokens, origins, contents, serverKey, now } = ports;

  /** Throws the one problem of a link that is no longer good, whatever the reason. */
  const offerOf = async (text: string): Promise<Offer> => {
    const token = readLinkToken(text);
    const subject = token?.purpose === LINK_PURPOSES.invitation ? readInvitationSubject(token.subject) : undefined;
    if (token === undefined || subject === undefined) throw spent();
    const { tenantId, userId } = subject;
    const { state } = await loadState({ store, snapshots, stream: members.stream(tenantId, userId), decider: members });
    const offeredBy = state.status === 'absent' ? undefined : state.member.offer?.eventId;
    if (offeredBy === undefined || !linkTokenFits(serverKey, token, offeredBy)) throw spent();
    if (!isOpenOffer(state, { offeredBy, now: now() })) throw spent();
    return { tenantId, userId, offeredBy };
  };

  const register = async ({ body }: AcceptRequest, userId: string, user: User, origin: CommandOrigin) => {
    const { name, password, language = user.language } = body;
    const missing = (['name', 'password'] as const).filter((member) => body[member] === undefined);
    if (name === undefined || password === undefined)
      throw new Problem(problems['invalid-request'], {
        errors: missing.map((member): FieldFault => ({ in: 'body', pointer: `/${member}`, message: 'Required' })),
      });
    const hash = await sealNewPassword(ports, { userId, user, password });
    const sealedName = await contents.seal(userId, name);
    const { state, written } = await runCommand(ports, {
      aggregate: users,
      stream: users.stream(userId),
      origin,
      refusals: { 'account-exists': accountExists, 'token-spent': spent },
      decide: (before) => decideRegisterUser({ name: sealedName, language, hash, origin }, before),
    });
    if (state.status !== 'active') throw new Error(`${written.stream} has no account after it was made`);
    return { user: state.user, written: [written] };
  };

  /** Lets pass who is signed in as this person, or goes on with what was begun by this very link. */
  const requireTheirs = async ({ caller, body, remoteAddress: address }: AcceptRequest, person: Person) => {
    const { userId, user, madeByThis } = person;
    if (caller?.actor.kind === 'user' && caller.actor.id === userId) return;
    if (caller !== undefined) throw someoneElse();
    const { password } = body;
    if (!madeByThis || password === undefined || user.hash === null) throw accountExists();
    const { right } = await tryOwnPassword(ports, { userId, user, address, password });
    if (!right) throw accountExists();
  };

  return async (request) => {
    const { tenantId, userId, offeredBy } = await offerOf(request.body.token);
    const made = await origins({ ...request, caller: actingAs(userId) });
    // Named by the offer, so that what it has led to before is found.
    const origin = { ...made, commandId: v5('accepted', offeredBy), tenantId: PLATFORM, repeatable: false };
    const stream = users.stream(userId);
    const { state, asked } = await loadState({ store, snapshots, stream, decider: users, command: origin });
    if (state.status === 'absent' || state.status === 'disabled') throw spent();
    let user = state.user;
    let alsoWritten: readonly Written[] = [];
    if (state.status === 'invited') ({ user, written: alsoWritten } = await register(request, userId, user, origin));
    else await requireTheirs(request, { userId, user, madeByThis: asked !== undefined });

    const partOrigin = { ...origin, tenantId, eventId: v5('part', origin.eventId) };
    const { written } = await runCommand(ports, {
      aggregate: members,
      stream: members.stream(tenantId, userId),
      origin: partOrigin,
      refusals: { 'token-spent': spent },
      async decide(member) {
        const offer = { offeredBy, now: now(), origin: partOrigin };
        if (isOpenOffer(member, offer) && isAdminRole(member.member.role))
          await addAdmin(ports, { tenantId, userId, origin: partOrigin });
        return decideAcceptOffer(offer, member);
      },
    });
    const session = await startSession(ports, { userId, user, request });
    return {
      status: 200,
      headers: { 'x-consistency-token': tokens.issue(userId, [...alsoWritten, written, session.written]) },
      body: session.body,
    };
  };
}
