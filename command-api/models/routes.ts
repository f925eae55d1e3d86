import { modelRoutes } from '#contracts/models.ts';
import { problems } from '#contracts/problems.ts';
import { viewModel } from '#contracts/views.ts';
import { credentials } from '#events/credential.ts';
import { type Model, type ModelDefinition, models, type ModelState, PLATFORM } from '#events/model.ts';
import { modelStateOf, registeredModel, usableModel } from '#events/usable-model.ts';
import type { Decision } from '#platform/event-store/handle-command.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Caller, Handler, RequestOf } from '#platform/http/route.ts';
import type { ModelManifest } from '#platform/model-host/model-manifest.ts';
import { checkParameters } from '../inferences/parameters.ts';
import type { CommandRequest } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, type Done, runCommand } from '../run-command.ts';
import {
  decideRegisterModel,
  decideReinstateModel,
  decideRetireModel,
  decideSetModelDefaults,
  type ModelCommand,
} from './decide.ts';
import { builtInDefinition, type ModelRegistration, upstreamDefinition } from './definition.ts';

export interface ModelPorts extends CommandRoutePorts {
  /** The manifest of a built-in model; undefined when there is no such folder. */
  readonly manifestOf: (source: string) => Promise<ModelManifest | undefined>;
  /** Says what is wrong with an upstream's URL for this tenant; undefined when nothing is. */
  readonly upstreamFault: (source: string, tenantId: string) => Promise<string | undefined>;
}

const bodyProblem = (pointer: string, message: string) =>
  new Problem(problems['invalid-request'], { detail: message, errors: [{ in: 'body', pointer, message }] });

const mayNotName = (what: string, permission: string) =>
  new Problem(problems.forbidden, {
    detail: `${what} needs the permission ${permission}.`,
    errors: [{ in: 'body', pointer: '/credentialId', message: `needs the permission ${permission}` }],
  });

function required({ state, written }: Done<ModelState>): Model {
  const model = registeredModel(state);
  if (!model) throw new Error(`${written.stream} has no model after a command that gives it one`);
  return model;
}

const noSuchModel = (name: string) =>
  new Problem(problems['model-not-found'], { detail: `You have no model ${name}.` });

export function createModelRoutes(ports: ModelPorts): BoundRoute[] {
  const { standings, tokens, origins, manifestOf, upstreamFault } = ports;

  const definitionOf = async (caller: Caller, name: string, given: ModelRegistration): Promise<ModelDefinition> => {
    if (given.runtime === 'tensorflow') {
      const manifest = await manifestOf(given.source);
      if (!manifest) throw bodyProblem('/source', `there is no built-in model ${given.source}`);
      const { description, maxInputChars, timeoutMs } = given;
      return builtInDefinition(name, given.source, manifest, {
        description,
        ...(maxInputChars !== undefined && { maxInputChars }),
        ...(timeoutMs !== undefined && { timeoutMs }),
      });
    }
    const fault = await upstreamFault(given.source, caller.tenantId);
    if (fault !== undefined) throw bodyProblem('/source', fault);
    if (given.credentialId !== undefined) await requireCredential(caller, given.credentialId);
    return upstreamDefinition(name, given);
  };

  /** An upstream is sent the credential's value: naming one is to hand it to whoever the source belongs to. */
  const requireCredential = async (caller: Caller, credentialId: string) => {
    if (!caller.permissions.has('credentials:write')) throw mayNotName('Naming a credential', 'credentials:write');
    const [standing] = await standings.get([credentials.stream(credentialId)]);
    const state = standing?.of === 'credential' ? standing.state : undefined;
    if (state?.status !== 'stored' || state.credential.tenantId !== caller.tenantId)
      throw bodyProblem('/credentialId', `there is no credential ${credentialId}`);
    if (state.credential.environment !== null && !caller.permissions.has('platform'))
      throw mayNotName("Naming one of the server's own variables", 'platform');
  };

  const answer = (caller: Caller, status: 200 | 201, done: Done<ModelState>, model: Model) => ({
    status,
    headers: {
      ...(status === 201 && { location: `/v1/models/${encodeURIComponent(model.definition.name)}` }),
      ...acknowledge(tokens, caller.holder, done),
    },
    body: viewModel({ ...model, revision: done.written.revision }, caller.tenantId),
  });

  const registerModel: Handler<typeof modelRoutes.registerModel> = async (request) => {
    const { caller, params, body, ifMatch } = request;
    const { name } = params;
    const origin = await origins(request);
    const done = await runCommand(ports, {
      aggregate: models,
      stream: models.stream(caller.tenantId, name),
      origin,
      ifMatch,
      refusals: {},
      async decide(state) {
        if (ifMatch === 'stream_exists' && state.status !== 'registered')
          throw new Problem(problems['revision-mismatch'], { detail: `You have no model ${name}.` });
        const definition = await definitionOf(caller, name, body);
        return decideRegisterModel({ definition, origin, repeatable: origin.repeatable }, state);
      },
    });
    return answer(caller, done.before.status === 'registered' ? 200 : 201, done, required(done));
  };

  /** Changes what the request's tenant itself has said of the name, never what another has. */
  const change = async (
    request: CommandRequest & Pick<RequestOf<typeof modelRoutes.retireModel>, 'params' | 'ifMatch'>,
    decide: (state: ModelState, command: ModelCommand) => Decision<'absent'> | Promise<Decision<'absent'>>,
  ) => {
    const { caller, params, ifMatch } = request;
    const { name } = params;
    const origin = await origins(request);
    return runCommand(ports, {
      aggregate: models,
      stream: models.stream(caller.tenantId, name),
      origin,
      ifMatch,
      refusals: { absent: () => noSuchModel(name) },
      decide: (state) => decide(state, { origin, repeatable: origin.repeatable }),
    });
  };

  const setModelDefaults: Handler<typeof modelRoutes.setModelDefaults> = async (request) => {
    const { caller, params, body } = request;
    const { name } = params;
    const platformModel = async () => modelStateOf((await standings.get([models.stream(PLATFORM, name)]))[0]);
    const done = await change(request, async (state, command) => {
      const model = usableModel(caller.tenantId, state, await platformModel());
      if (!model) return 'absent';
      const faults = checkParameters(model.definition, body, '');
      if (faults.length > 0)
        throw new Problem(problems['invalid-request'], { errors: faults.map((fault) => ({ in: 'body', ...fault })) });
      const defaults = Object.fromEntries(Object.entries(body).map(([key, value]) => [key, JSON.stringify(value)]));
      return decideSetModelDefaults({ ...command, defaults, overPlatform: model.owner !== caller.tenantId }, state);
    });
    const model = usableModel(caller.tenantId, done.state, await platformModel());
    if (!model) throw noSuchModel(name);
    return answer(caller, 200, done, model);
  };

  const retireModel: Handler<typeof modelRoutes.retireModel> = async (request) => {
    const { caller, params } = request;
    const done = await change(request, (state, command) => decideRetireModel(command, state));
    return {
      status: 200,
      headers: acknowledge(tokens, caller.holder, done),
      body: { id: params.name, object: 'model', deleted: true },
    };
  };

  const reinstateModel: Handler<typeof modelRoutes.reinstateModel> = async (request) => {
    const done = await change(request, (state, command) => decideReinstateModel(command, state));
    return answer(request.caller, 200, done, required(done));
  };

  return bindRoutes(modelRoutes, 'command', { registerModel, setModelDefaults, retireModel, reinstateModel });
}
