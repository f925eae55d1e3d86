import { operationRoutes } from '#contracts/operations.ts';
import { problems } from '#contracts/problems.ts';
import type { Origin } from '#events/create-event.ts';
import { PLATFORM } from '#events/model.ts';
import { type ProjectionState, projections } from '#events/projection.ts';
import { findDeadLetterById, nameOfGroup, readDeadLetterId, versionOfGroup } from '#platform/bus/dead-letter-rows.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Handler } from '#platform/http/route.ts';
import type { VersionStates } from '#platform/projection/version-states.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { CommandRequest } from '../origin.ts';
import { acknowledge, type CommandRoutePorts, notFound, type Refusals, runCommand } from '../run-command.ts';
import { decideRebuild, decideRollback, decideTakeUp, type OperationRefusal } from './decide.ts';

export interface OperationPorts extends CommandRoutePorts {
  readonly readStore: Pick<ReadStore, 'get'>;
  readonly states: VersionStates<ProjectionState>;
  /** The names of the read models that this installation keeps. */
  readonly readModels: readonly string[];
}

type Decision = ReturnType<typeof decideTakeUp>;
type Decide = (origin: Origin, state: ProjectionState) => Decision | Promise<Decision>;

const refusalsOf = (name: string): Refusals<ProjectionState, OperationRefusal> => ({
  'not-worked-on': notFound,
  'none-kept': () =>
    new Problem(problems['no-version-kept'], { detail: `No version of ${name} is kept to go back to.` }),
  'under-way': ({ candidate }) =>
    new Problem(problems['rebuild-under-way'], { detail: `Version ${candidate?.version} of ${name} is being built.` }),
});

export function createOperationRoutes(ports: OperationPorts): BoundRoute[] {
  const { readStore, states, tokens, origins, readModels } = ports;

  /** Runs one command on a projection's stream; answers the state right after it, and the answer's headers. */
  async function operate(request: CommandRequest, name: string, location: string, decide: Decide) {
    const given = await origins(request);
    const done = await runCommand<ProjectionState, OperationRefusal>(ports, {
      aggregate: projections,
      stream: projections.stream(name),
      origin: given,
      refusals: refusalsOf(name),
      decide: (state) => decide({ ...given, tenantId: PLATFORM }, state),
    });
    await states.changed(name);
    const headers = { location, 'retry-after': '1', ...acknowledge(tokens, request.caller.holder, done) };
    return { state: done.state, headers };
  }

  const requireKnown = (name: string) => {
    if (readModels.includes(name)) return;
    const detail = `This installation keeps no read model ${name}: there are ${readModels.join(', ')}.`;
    throw new Problem(problems['not-found'], { detail });
  };

  const rebuildProjection: Handler<typeof operationRoutes.rebuildProjection> = async (request) => {
    const { name } = request.params;
    requireKnown(name);
    const { onDifference, reason = null } = request.body;
    const { state, headers } = await operate(request, name, `/v1/projections/${name}`, (origin, before) =>
      decideRebuild({ onDifference, reason, origin }, before),
    );
    const id = `${name}.${state.candidate?.version ?? state.highest}`;
    return { status: 202, headers, body: { id, status: 'rebuilding' } };
  };

  const rollBackProjection: Handler<typeof operationRoutes.rollBackProjection> = async (request) => {
    const { name } = request.params;
    requireKnown(name);
    const { onDifference, reason = null } = request.body;
    const { state, headers } = await operate(request, name, `/v1/projections/${name}`, (origin, before) =>
      decideRollback({ onDifference, reason, origin }, before),
    );
    const id = `${name}.${state.candidate?.version ?? state.live}`;
    return { status: 202, headers, body: { id, status: 'rolling-back' } };
  };

  const takeUp = async (
    kind: 'retry' | 'discard',
    request: CommandRequest & {
      readonly params: { readonly id: string };
      readonly body: { readonly reason?: string | undefined };
    },
  ) => {
    const { id } = request.params;
    const named = readDeadLetterId(id);
    if (!named) throw notFound();
    const { group, stream, revision } = named;
    const version = versionOfGroup(group);
    const { reason = null } = request.body;
    const { headers } = await operate(request, nameOfGroup(group), `/v1/dead-letters/${id}`, async (origin, before) => {
      // Not for a repeat: the letter may be gone by then.
      if (!(await findDeadLetterById(readStore, id))) throw notFound();
      return decideTakeUp({ kind, stream, revision, reason, version, origin }, before);
    });
    return headers;
  };

  const retryDeadLetter: Handler<typeof operationRoutes.retryDeadLetter> = async (request) => ({
    status: 202,
    headers: await takeUp('retry', request),
    body: { id: request.params.id, status: 'retrying' },
  });

  const discardDeadLetter: Handler<typeof operationRoutes.discardDeadLetter> = async (request) => ({
    status: 202,
    headers: await takeUp('discard', request),
    body: { id: request.params.id, status: 'discarding' },
  });

  return bindRoutes(operationRoutes, 'command', {
    rebuildProjection,
    rollBackProjection,
    retryDeadLetter,
    discardDeadLetter,
  });
}
