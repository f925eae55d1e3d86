// What the platform does to a person, in every tenant at once.

import type { userRoutes } from '#contracts/users.ts';
import { members } from '#events/member.ts';
import { PLATFORM } from '#events/model.ts';
import { type UserState, users } from '#events/user.ts';
import type { Decision } from '#platform/event-store/handle-command.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { type Answer, etagOf, type RequestOf } from '#platform/http/route.ts';
import { type ReleasePorts, releaseLogin } from '../logins/release-login.ts';
import type { CommandOrigin } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, notFound, runCommand } from '../run-command.ts';
import { barAdmin, unbarAdmin } from '../members/keep-admins.ts';
import { decideDisableUser, decideEnableUser } from './decide.ts';
import type { PersonPorts } from './invite-person.ts';
import { showPerson } from './show-person.ts';

type UserRequest = RequestOf<(typeof userRoutes)['disableUser' | 'enableUser']>;

export type SwitchPorts = CommandRoutePorts & PersonPorts & ReleasePorts;

export function createSwitchHandlers(ports: SwitchPorts) {
  const { store, snapshots, contents, tokens, origins } = ports;

  const memberIn = (tenantId: string, userId: string) =>
    loadState({ store, snapshots, stream: members.stream(tenantId, userId), decider: members });

  const toUser = async (
    request: UserRequest,
    decide: (state: UserState, origin: CommandOrigin) => Promise<Decision<'not-found'>>,
  ): Promise<Answer> => {
    const { caller, params } = request;
    const origin = { ...(await origins(request)), tenantId: PLATFORM };
    const done = await runCommand(ports, {
      aggregate: users,
      stream: users.stream(params.id),
      origin,
      refusals: { 'not-found': notFound },
      decide: (state) => decide(state, origin),
    });
    if (done.state.status === 'absent') throw new Error(`${done.written.stream} is absent after a command to it`);
    const member = await memberIn(caller.tenantId, params.id);
    return {
      status: 200,
      headers: {
        ...acknowledge(tokens, caller.holder, done),
        etag: etagOf(done.written.revision + Math.max(0, member.revision)),
      },
      body: await showPerson(contents, params.id, done.state, member.state, caller),
    };
  };

  return {
    disableUser: (request: UserRequest) =>
      toUser(request, async (state, origin) => {
        const { id: userId } = request.params;
        if (state.status === 'invited' || state.status === 'active') await barAdmin(ports, { userId, origin });
        return decideDisableUser(origin, state);
      }),

    enableUser: (request: UserRequest) =>
      toUser(request, async (state, origin) => {
        if (state.status === 'disabled') await unbarAdmin(ports, { userId: request.params.id, origin });
        return decideEnableUser(origin, state);
      }),

    unlockUser: async (request: RequestOf<(typeof userRoutes)['unlockUser']>): Promise<Answer> => {
      const { id } = request.params;
      const { state } = await loadState({ store, snapshots, stream: users.stream(id), decider: users });
      if (state.status === 'absent') throw notFound();
      const email = await contents.open(id, state.user.email);
      if (typeof email !== 'string') throw notFound();
      await releaseLogin(ports, { email, by: await origins(request) });
      return { status: 204 };
    },
  };
}
