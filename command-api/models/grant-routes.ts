import { modelGrantRoutes } from '#contracts/model-grants.ts';
import { problems } from '#contracts/problems.ts';
import { viewModelGrants } from '#contracts/views.ts';
import { models, type ModelState, PLATFORM } from '#events/model.ts';
import { tenants } from '#events/tenant.ts';
import { registeredModel } from '#events/usable-model.ts';
import type { Decision } from '#platform/event-store/handle-command.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Answer, BoundRoute, Handler, RequestOf } from '#platform/http/route.ts';
import type { CommandRequest } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, runCommand } from '../run-command.ts';
import { decideGrantModel, decideWithdrawModelGrant, type ModelCommand, MOST_GRANTS } from './decide.ts';

const WAY_OUT = 'Grant it by name to those who shall keep it, then withdraw the grant to all (*).';

export function createModelGrantRoutes(ports: CommandRoutePorts): BoundRoute[] {
  const { standings, tokens, origins } = ports;

  type Refusal = 'absent' | 'too-many' | 'granted-to-all';
  type Request = CommandRequest & Pick<RequestOf<typeof modelGrantRoutes.grantModel>, 'params' | 'ifMatch'>;

  /** Changes the grants of the platform's model of the name. */
  const change = async (
    request: Request,
    decide: (state: ModelState, command: ModelCommand) => Decision<Refusal> | Promise<Decision<Refusal>>,
  ): Promise<Answer> => {
    const { caller, params, ifMatch } = request;
    const { name } = params;
    const given = await origins(request);
    const origin = { ...given, tenantId: PLATFORM };
    const done = await runCommand<ModelState, Refusal>(ports, {
      aggregate: models,
      stream: models.stream(PLATFORM, name),
      origin,
      ifMatch,
      refusals: {
        absent: () => new Problem(problems['model-not-found'], { detail: `The platform has no model ${name}.` }),
        'too-many': () =>
          new Problem(problems.conflict, { detail: `It is granted to ${MOST_GRANTS} by name; grant it to all (*).` }),
        'granted-to-all': () => new Problem(problems['granted-to-all'], { detail: WAY_OUT }),
      },
      decide: (state) => decide(state, { origin, repeatable: origin.repeatable }),
    });
    return {
      status: 200,
      headers: acknowledge(tokens, caller.holder, done),
      body: viewModelGrants(name, registeredModel(done.state)?.grantedTo ?? []),
    };
  };

  const requireTenant = async (tenantId: string) => {
    if (tenantId === '*') return;
    const [standing] = await standings.get([tenants.stream(tenantId)]);
    if (standing?.of !== 'tenant')
      throw new Problem(problems['not-found'], { detail: `There is no tenant ${tenantId}.` });
  };

  const grantModel: Handler<typeof modelGrantRoutes.grantModel> = (request) =>
    change(request, async (state, command) => {
      const { tenantId } = request.params;
      await requireTenant(tenantId);
      return decideGrantModel({ ...command, to: [tenantId] }, state);
    });

  const withdrawModelGrant: Handler<typeof modelGrantRoutes.withdrawModelGrant> = (request) =>
    change(request, (state, command) => decideWithdrawModelGrant({ ...command, from: request.params.tenantId }, state));

  return bindRoutes(modelGrantRoutes, 'command', { grantModel, withdrawModelGrant });
}
