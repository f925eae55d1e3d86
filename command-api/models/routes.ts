import { modelRoutes } from '#contracts/models.ts';
import { problems } from '#contracts/problems.ts';
import { viewModel } from '#contracts/views.ts';
import type { Origin } from '#events/create-event.ts';
import { credentials } from '#events/credential.ts';
import { type Model, type ModelDefinition, type ModelState, PLATFORM, models } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Caller, Handler, IfMatch } from '#platform/http/route.ts';
import type { ModelManifest } from '#platform/model-host/model-manifest.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { acknowledge, type Written } from '../acknowledge.ts';
import { keyReused, replayHeaders } from '../create-once.ts';
import { findReplay, type Replay } from '../find-replay.ts';
import { ifMatched } from '../if-match.ts';
import { checkParameters } from '../inferences/parameters.ts';
import type { CommandOrigin, Origins } from '../origin.ts';
import { decideRegisterModel, decideRetireModel, decideSetModelDefaults, type ModelDecision } from './decide.ts';
import { builtInDefinition, type ModelRegistration, upstreamDefinition } from './definition.ts';

export interface ModelPorts {
  readonly store: EventStore;
  readonly standings: Standings<Standing>;
  readonly tokens: ConsistencyTokens;
  readonly origins: Origins;
  /** The manifest of a built-in model; undefined when there is no such folder. */
  readonly manifestOf: (source: string) => Promise<ModelManifest | undefined>;
  /** Says what is wrong with an upstream's URL for this tenant; undefined when nothing is. */
  readonly upstreamFault: (source: string, tenantId: string) => Promise<string | undefined>;
}

const decider = models;

const bodyProblem = (pointer: string, message: string) =>
  new Problem(problems['invalid-request'], { detail: message, errors: [{ in: 'body', pointer, message }] });

const noSuchModel = (name: string) =>
  new Problem(problems['model-not-found'], { detail: `You have no model ${name}.` });

/** Runs one model command; answers the model after it and what was written. */
export async function changeModel(
  { store, standings }: Pick<ModelPorts, 'store' | 'standings'>,
  owner: string,
  name: string,
  ifMatch: IfMatch | undefined,
  decide: (state: ModelState) => ModelDecision,
) {
  const stream = models.stream(owner, name);
  let refused: 'key-reused' | 'absent' | undefined;
  const done = await handleCommand({
    store,
    stream,
    decider,
    decide: (state) => {
      const decision = decide(state);
      refused = typeof decision === 'string' ? decision : undefined;
      return typeof decision === 'string' ? [] : decision;
    },
    ...ifMatched(ifMatch),
  });
  if (refused === 'key-reused') throw keyReused();
  if (refused === 'absent' || done.state.status === 'absent') throw noSuchModel(name);
  await standings.refresh(stream);
  const { revision, position } = done;
  return { model: done.state.model, revision, written: { stream, revision, position } };
}

export function createModelRoutes(ports: ModelPorts): BoundRoute[] {
  const { store, standings, tokens, origins, manifestOf, upstreamFault } = ports;

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

  /** Whose model a name means to someone who changes it: the tenant's own, else the platform's to who may. */
  const ownerOf = async (caller: Caller, name: string): Promise<string> => {
    const [own] = await standings.get([models.stream(caller.tenantId, name)]);
    const isOwn = own?.of === 'model' && own.state.status === 'registered';
    return isOwn || !caller.permissions.has('platform') ? caller.tenantId : PLATFORM;
  };

  /** The earlier run of this very command, on whichever of the two models it was. */
  const replayOf = async (caller: Caller, name: string, origin: CommandOrigin) => {
    const owners = caller.permissions.has('platform') ? [caller.tenantId, PLATFORM] : [caller.tenantId];
    for (const owner of owners) {
      const replay = await findReplay(store, models.stream(owner, name), decider, origin);
      if (replay) return replay;
    }
    return undefined;
  };

  const answer = (caller: Caller, status: number, model: Model, written: Written, replayed: boolean) => ({
    status,
    headers: {
      ...(status === 201 && { location: `/v1/models/${encodeURIComponent(model.definition.name)}` }),
      ...acknowledge(tokens, caller.tenantId, [written]),
      ...replayHeaders(replayed),
    },
    body: viewModel({ ...model, revision: written.revision }, caller.tenantId),
  });

  const replayed = (caller: Caller, { before, after, written }: Replay<ModelState>, isRegistration: boolean) => {
    if (after.status === 'absent') throw new Error(`${written.stream} has no model after a command to it`);
    return answer(caller, isRegistration && before.status !== 'registered' ? 201 : 200, after.model, written, true);
  };

  const registeredBefore = async (owner: string, name: string) => {
    const events = await readWholeStream(store, models.stream(owner, name));
    return events.reduce(models.evolve, models.initial).status === 'registered';
  };

  const registerModel: Handler<typeof modelRoutes.registerModel> = async (request) => {
    const { caller, params, body } = request;
    const { name } = params;
    const origin = await origins(request);
    const replay = await replayOf(caller, name, origin);
    if (replay) return replayed(caller, replay, true);
    const existed = await registeredBefore(caller.tenantId, name);
    if (request.ifMatch === 'stream_exists' && !existed)
      throw new Problem(problems['revision-mismatch'], { detail: `You have no model ${name}.` });
    const definition = await definitionOf(caller, name, body);
    const { repeatable } = origin;
    const done = await changeModel(ports, caller.tenantId, name, request.ifMatch, (state) =>
      decideRegisterModel({ definition, origin, repeatable }, state),
    );
    return answer(caller, existed ? 200 : 201, done.model, done.written, false);
  };

  const setModelDefaults: Handler<typeof modelRoutes.setModelDefaults> = async (request) => {
    const { caller, params, body } = request;
    const { name } = params;
    const given = await origins(request);
    const replay = await replayOf(caller, name, given);
    if (replay) return replayed(caller, replay, false);
    const owner = await ownerOf(caller, name);
    const [standing] = await standings.get([models.stream(owner, name)]);
    if (standing?.of !== 'model' || standing.state.status !== 'registered') throw noSuchModel(name);
    const faults = checkParameters(standing.state.model.definition, body, '');
    if (faults.length > 0)
      throw new Problem(problems['invalid-request'], { errors: faults.map((fault) => ({ in: 'body', ...fault })) });
    const origin = { ...given, tenantId: owner };
    const { repeatable } = origin;
    const defaults = Object.fromEntries(Object.entries(body).map(([key, value]) => [key, JSON.stringify(value)]));
    const done = await changeModel(ports, owner, name, request.ifMatch, (state) =>
      decideSetModelDefaults({ defaults, origin, repeatable }, state),
    );
    return answer(caller, 200, done.model, done.written, false);
  };

  const retireModel: Handler<typeof modelRoutes.retireModel> = async (request) => {
    const { caller, params } = request;
    const given = await origins(request);
    const replay = await replayOf(caller, params.name, given);
    const owner = await ownerOf(caller, params.name);
    const origin: Origin = { ...given, tenantId: owner };
    const written =
      replay?.written ??
      (await changeModel(ports, owner, params.name, request.ifMatch, (state) => decideRetireModel(origin, state)))
        .written;
    return {
      status: 200,
      headers: { ...acknowledge(tokens, caller.tenantId, [written]), ...replayHeaders(replay !== undefined) },
      body: { id: params.name, object: 'model', deleted: true },
    };
  };

  return bindRoutes(modelRoutes, 'command', { registerModel, setModelDefaults, retireModel });
}
