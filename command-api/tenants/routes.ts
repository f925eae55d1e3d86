import { problems } from '#contracts/problems.ts';
import { tenantRoutes } from '#contracts/tenants.ts';
import { viewTenant } from '#contracts/views.ts';
import { PLATFORM } from '#events/model.ts';
import { tenants, type TenantState } from '#events/tenant.ts';
import type { Decision } from '#platform/event-store/handle-command.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Answer, BoundRoute, Caller, Handler, RequestOf } from '#platform/http/route.ts';
import type { CommandOrigin, CommandRequest } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, type Done, notFound, runCommand } from '../run-command.ts';
import { createTenant, type TenantPorts } from './create-tenant.ts';
import { decideReinstateTenant, decideSetTenantLimits, decideSuspendTenant } from './decide.ts';
import { renameTenant } from './rename-tenant.ts';

type Refusal = 'absent' | 'platform';
type Changing = CommandRequest & Pick<RequestOf<typeof tenantRoutes.suspendTenant>, 'params' | 'ifMatch'>;

export function createTenantRoutes(ports: TenantPorts & CommandRoutePorts): BoundRoute[] {
  const { tokens, origins } = ports;

  const answer = (caller: Caller, id: string, done: Done<TenantState>): Answer => {
    const { state, written } = done;
    if (state.status === 'absent') throw new Error(`${written.stream} is absent after it was changed`);
    return { status: 200, headers: acknowledge(tokens, caller.holder, done), body: viewTenant(id, state) };
  };

  /** What happens to a tenant is told in its own audit, whoever does it. */
  const originOf = async (request: Changing): Promise<CommandOrigin> => ({
    ...(await origins(request)),
    tenantId: request.params.id,
  });

  const change = async (
    request: Changing,
    decide: (state: TenantState, origin: CommandOrigin) => Decision<Refusal>,
  ): Promise<Answer> => {
    const { caller, params, ifMatch } = request;
    const origin = await originOf(request);
    const done = await runCommand<TenantState, Refusal>(ports, {
      aggregate: tenants,
      stream: tenants.stream(params.id),
      origin,
      ifMatch,
      refusals: {
        absent: notFound,
        platform: () => new Problem(problems.conflict, { detail: 'The platform itself cannot be suspended.' }),
      },
      decide: (state) => decide(state, origin),
    });
    return answer(caller, params.id, done);
  };

  const create: Handler<typeof tenantRoutes.createTenant> = async (request) => {
    const { name } = request.body;
    const origin = await origins(request);
    const id = origin.subjectId;
    const done = await createTenant(ports, { id, name, origin: { ...origin, tenantId: id } });
    return {
      status: 201,
      headers: {
        location: `/v1/tenants/${id}`,
        ...acknowledge(tokens, request.caller.holder, done, done.claims),
      },
      body: viewTenant(id, done.tenant),
    };
  };

  const rename: Handler<typeof tenantRoutes.renameTenant> = async (request) => {
    const { caller, params, body, ifMatch } = request;
    const { id } = params;
    const origin = await originOf(request);
    return answer(caller, id, await renameTenant(ports, { id, name: body.name, origin, ifMatch }));
  };

  const suspendTenant: Handler<typeof tenantRoutes.suspendTenant> = (request) =>
    change(request, (state, origin) => {
      const { reason } = request.body;
      const isPlatform = request.params.id === PLATFORM;
      return decideSuspendTenant({ reason, isPlatform, origin, repeatable: origin.repeatable }, state);
    });

  const reinstateTenant: Handler<typeof tenantRoutes.reinstateTenant> = (request) =>
    change(request, (state, origin) => decideReinstateTenant({ origin, repeatable: origin.repeatable }, state));

  const setTenantLimits: Handler<typeof tenantRoutes.setTenantLimits> = (request) =>
    change(request, (state, origin) =>
      decideSetTenantLimits({ ...request.body, origin, repeatable: origin.repeatable }, state),
    );

  return bindRoutes(tenantRoutes, 'command', {
    createTenant: create,
    renameTenant: rename,
    suspendTenant,
    reinstateTenant,
    setTenantLimits,
  });
}
