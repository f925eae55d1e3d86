import { modelRoutes } from '#contracts/models.ts';
import { problems } from '#contracts/problems.ts';
import { viewModel } from '#contracts/views.ts';
import { credentials } from '#events/credential.ts';
import { type ModelDefinition, models, type ModelState, PLATFORM } from '#events/model.ts';
import type { Decision } from '#platform/event-store/handle-command.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Caller, Handler, RequestOf } from '#platform/http/route.ts';
import type { ModelManifest } from '#platform/model-host/model-manifest.ts';
import { checkParameters } from '../inferences/parameters.ts';
import type { CommandOrigin, CommandRequest } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, type Done, runCommand } from '../run-command.ts';
import { decideRegisterModel, decideRetireModel, decideSetModelDefaults } from './decide.ts';
import { builtInDefinition, type ModelRegistration, upstreamDefinition } from './definition.ts';

export interface ModelPorts extends CommandRoutePorts {
  /** The manifest of a built-in model; undefined when there is no such folder. */
  readonly manifestOf: (source: string) => Promise<ModelManifest | undefined>;
  /** Says what is wrong with an upstream's URL for this tenant; undefined when nothing is. */
  readonly upstreamFault: (source: string, tenantId: string) => Promise<string | undefined>;
}

const bodyProblem = (pointer: string, message: string) =>
  new Problem(problems['invalid-request'], { detail: message, errors: [{ in: 'body', pointer, message }] });

const noSuchModel = (name: string) =>
  new Problem(problems['model-not-found'], { detail: `You have no model ${name}.` });

export function createModelRoutes(ports: ModelPorts): BoundRoute[] {
  const { store, standings, snapshots, tokens, origins, manifestOf, upstreamFault } = ports;

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

  const requireCredential = async (caller: Caller, credentialId: string) => {
    const [standing] = await standings.get([credentials.stream(credentialId)]);
    const state = standing?.of === 'credential' ? standing.state : undefined;
    if (state?.status !== 'stored' || state.credential.tenantId !== caller.tenantId)
      throw bodyProblem('/credentialId', `there is no credential ${credentialId}`);
  };

  /**
   * Whose model a name means to someone who changes it: the tenant's own, else the platform's to who may. A repeat means
   * the one that it meant the first time.
   */
  const ownerOf = async (caller: Caller, name: string, command: CommandOrigin): Promise<string> => {
    if (!caller.permissions.has('platform')) return caller.tenantId;
    const decider = models;
    for (const owner of command.repeatable ? [caller.tenantId, PLATFORM] : []) {
      const { commands } = await loadState({ store, snapshots, stream: models.stream(owner, name), decider });
      if (commands.recognise(command) !== 'new') return owner;
    }
    const [own] = await standings.get([models.stream(caller.tenantId, name)]);
    return own?.of === 'model' && own.state.status === 'registered' ? caller.tenantId : PLATFORM;
  };

  const answer = (caller: Caller, status: 200 | 201, done: Done<ModelState>) => {
    const { state, written } = done;
    if (state.status === 'absent') throw new Error(`${written.stream} has no model after a command to it`);
    const { model } = state;
    return {
      status,
      headers: {
        ...(status === 201 && { location: `/v1/models/${encodeURIComponent(model.definition.name)}` }),
        ...acknowledge(tokens, caller.tenantId, done),
      },
      body: viewModel({ ...model, revision: written.revision }, caller.tenantId),
    };
  };

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
    return answer(caller, done.before.status === 'registered' ? 200 : 201, done);
  };

  /** Changes the model that the name means to the caller. */
  const change = async (
    request: CommandRequest & Pick<RequestOf<typeof modelRoutes.retireModel>, 'params' | 'ifMatch'>,
    decide: (state: ModelState, origin: CommandOrigin) => Decision<'absent'>,
  ) => {
    const { caller, params, ifMatch } = request;
    const { name } = params;
    const given = await origins(request);
    const owner = await ownerOf(caller, name, given);
    const origin = { ...given, tenantId: owner };
    return runCommand(ports, {
      aggregate: models,
      stream: models.stream(owner, name),
      origin,
      ifMatch,
      refusals: { absent: () => noSuchModel(name) },
      decide: (state) => decide(state, origin),
    });
  };

  const setModelDefaults: Handler<typeof modelRoutes.setModelDefaults> = async (request) => {
    const { caller, body } = request;
    const done = await change(request, (state, origin) => {
      const faults = state.status === 'registered' ? checkParameters(state.model.definition, body, '') : [];
      if (faults.length > 0)
        throw new Problem(problems['invalid-request'], { errors: faults.map((fault) => ({ in: 'body', ...fault })) });
      const defaults = Object.fromEntries(Object.entries(body).map(([key, value]) => [key, JSON.stringify(value)]));
      return decideSetModelDefaults({ defaults, origin, repeatable: origin.repeatable }, state);
    });
    return answer(caller, 200, done);
  };

  const retireModel: Handler<typeof modelRoutes.retireModel> = async (request) => {
    const { caller, params } = request;
    const done = await change(request, (state, origin) => decideRetireModel(origin, state));
    return {
      status: 200,
      headers: acknowledge(tokens, caller.tenantId, done),
      body: { id: params.name, object: 'model', deleted: true },
    };
  };

  return bindRoutes(modelRoutes, 'command', { registerModel, setModelDefaults, retireModel });
}
