// Roles in a tenant: given, changed and taken, for the tenant that the path names.

import { v5 } from 'uuid';
import type { Role } from '#contracts/permissions.ts';
import type { userRoutes } from '#contracts/users.ts';
import { viewApiKey } from '#contracts/views.ts';
import { type ApiKeyState, apiKeys } from '#events/api-key.ts';
import { tenants } from '#events/tenant.ts';
import type { Handler } from '#platform/http/route.ts';
import { decideRevokeApiKey } from '../api-keys/decide.ts';
import { isWithin } from '../api-keys/key-bounds.ts';
import { acknowledge, type CommandRoutePorts, notFound, runCommand, type Written } from '../run-command.ts';
import { requireMayGive } from './roles.ts';
import { removeMember, setRole } from './set-role.ts';

export interface RolePorts extends CommandRoutePorts {
  /** The ids of the keys that someone made in a tenant and that are not revoked. */
  readonly apiKeysMadeBy: (userId: string, tenantId: string) => Promise<readonly string[]>;
  readonly now: () => number;
}

/** Of keys revoked at once, those whose writes the consistency token names; the standings of all are renewed. */
const MOST_NAMED = 32;

export function createRoleHandlers(ports: RolePorts) {
  const { standings, tokens, origins, apiKeysMadeBy, now } = ports;

  const tenantNameOf = async (tenantId: string): Promise<string> => {
    const [tenant] = await standings.get([tenants.stream(tenantId)]);
    if (tenant?.of !== 'tenant') throw notFound();
    return tenant.state.name;
  };

  const setRoleHandler: Handler<typeof userRoutes.setRole> = async (request) => {
    const { caller, params, body } = request;
    const { id: userId, tenantId } = params;
    const { role } = body;
    const name = await tenantNameOf(tenantId);
    const held = (await caller.permissionsIn(tenantId)) ?? new Set();
    requireMayGive(role, tenantId, held);
    const origin = { ...(await origins(request)), tenantId };
    const mayAppoint = held.has('platform');
    const done = await setRole(ports, { tenantId, userId, role, held, mayAppoint, now: now(), origin });
    if (done.state.status === 'absent') throw new Error(`${done.written.stream} is absent after a role was set`);
    return {
      status: 200,
      headers: acknowledge(tokens, caller.holder, done),
      body: { id: tenantId, name, role: done.state.member.role as Role },
    };
  };

  const removeHandler: Handler<typeof userRoutes.removeMember> = async (request) => {
    const { caller, params, query } = request;
    const { id: userId, tenantId } = params;
    const permissions = (await caller.permissionsIn(tenantId)) ?? new Set();
    const given = await origins(request);
    // What becomes of the keys is as much of the command as a body would be.
    const origin = { ...given, tenantId, eventId: v5(query.keys, given.eventId) };
    const keysLeft = () => apiKeysMadeBy(userId, tenantId);
    const done = await removeMember(ports, { tenantId, userId, held: permissions, keysLeft, origin });
    if (done.state.status === 'absent') throw new Error(`${done.written.stream} is absent after they were taken out`);
    const keys: { readonly id: string; readonly state: ApiKeyState; readonly written: Written }[] = [];
    for (const id of done.state.member.keysLeft) {
      const by = { ...origin, eventId: v5(id, origin.eventId), repeatable: false };
      const { state, written } = await runCommand(ports, {
        aggregate: apiKeys,
        stream: apiKeys.stream(id),
        origin: by,
        refusals: {},
        decide(before) {
          const revokes = query.keys === 'revoke' && before.status !== 'absent';
          return revokes && isWithin({ ...caller, permissions }, before.key) ? decideRevokeApiKey(by, before) : [];
        },
      });
      keys.push({ id, state, written });
    }
    const revoked = query.keys === 'revoke' ? keys.slice(0, MOST_NAMED).map(({ written }) => written) : [];
    return {
      status: 200,
      headers: acknowledge(tokens, caller.holder, done, revoked),
      body: {
        id: userId,
        object: 'user',
        removed: true,
        apiKeys: keys.flatMap(({ id, state }) =>
          state.status === 'absent' ? [] : [viewApiKey(id, state.key, state.status === 'revoked', { now: now() })],
        ),
      },
    };
  };

  return { setRole: setRoleHandler, removeMember: removeHandler };
}
