import { operationRoutes } from '#contracts/operations.ts';
import { problems } from '#contracts/problems.ts';
import type { Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { PLATFORM } from '#events/model.ts';
import { type ProjectionState, isWorkedOn, projectionVersions, projections } from '#events/projection.ts';
import { findDeadLetterById, nameOfGroup, readDeadLetterId, versionOfGroup } from '#platform/bus/dead-letter-rows.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Handler } from '#platform/http/route.ts';
import type { VersionStates } from '#platform/projection/version-states.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { acknowledge, type Written } from '../acknowledge.ts';
import { keyReused, replayHeaders } from '../create-once.ts';
import { findReplay } from '../find-replay.ts';
import type { CommandOrigin, CommandRequest, Origins } from '../origin.ts';
import { decideRebuild, decideRollback, decideTakeUp, type OperationRefusal } from './decide.ts';

export interface OperationPorts {
  readonly store: EventStore;
  readonly readStore: Pick<ReadStore, 'get'>;
  readonly states: VersionStates<ProjectionState>;
  readonly tokens: ConsistencyTokens;
  readonly origins: Origins;
  /** The names of the read models that this installation keeps. */
  readonly readModels: readonly string[];
}

type Decide = (origin: Origin, state: ProjectionState) => readonly NewEvent[] | OperationRefusal;

const { initial, evolve } = projectionVersions;
const decider = { initial, evolve };

const notFound = () => new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });

export function createOperationRoutes(ports: OperationPorts): BoundRoute[] {
  const { store, readStore, states, tokens, origins, readModels } = ports;

  /** Runs one command on a projection's stream; answers the state right after it, and what was written. */
  async function operate(name: string, origin: CommandOrigin, decide: Decide) {
    const stream = projections.stream(name);
    const replay = await findReplay(store, stream, decider, origin);
    if (replay) return { state: replay.after, written: replay.written, replayed: true };
    let refused: OperationRefusal | undefined;
    const done = await handleCommand({
      store,
      stream,
      decider,
      decide: (state) => {
        const decision = decide({ ...origin, tenantId: PLATFORM }, state);
        refused = typeof decision === 'string' ? decision : undefined;
        return typeof decision === 'string' ? [] : decision;
      },
    });
    if (refused) throw refusalOf(refused, name, done.state);
    await states.changed(name);
    const { state, revision, position, appended } = done;
    const written: Written = { stream, revision, position };
    return { state, written, replayed: !appended };
  }

  const headersOf = (request: CommandRequest, location: string, written: Written, replayed: boolean) => ({
    location,
    'retry-after': '1',
    ...acknowledge(tokens, request.caller.tenantId, [written]),
    ...replayHeaders(replayed),
  });

  const requireKnown = (name: string) => {
    if (readModels.includes(name)) return;
    const detail = `This installation keeps no read model ${name}: there are ${readModels.join(', ')}.`;
    throw new Problem(problems['not-found'], { detail });
  };

  const rebuildProjection: Handler<typeof operationRoutes.rebuildProjection> = async (request) => {
    const { name } = request.params;
    requireKnown(name);
    const { onDifference, reason = null } = request.body;
    const done = await operate(name, await origins(request), (origin, state) =>
      decideRebuild({ onDifference, reason, origin }, state),
    );
    const id = `${name}.${done.state.candidate?.version ?? done.state.highest}`;
    const headers = headersOf(request, `/v1/projections/${name}`, done.written, done.replayed);
    return { status: 202, headers, body: { id, status: 'rebuilding' } };
  };

  const rollBackProjection: Handler<typeof operationRoutes.rollBackProjection> = async (request) => {
    const { name } = request.params;
    requireKnown(name);
    const { onDifference, reason = null } = request.body;
    const done = await operate(name, await origins(request), (origin, state) =>
      decideRollback({ onDifference, reason, origin }, state),
    );
    const id = `${name}.${done.state.candidate?.version ?? done.state.live}`;
    const headers = headersOf(request, `/v1/projections/${name}`, done.written, done.replayed);
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
    const name = nameOfGroup(group);
    const origin = await origins(request);
    // The letter may be gone when the command is repeated.
    const isRepeat = (await findReplay(store, projections.stream(name), decider, origin)) !== undefined;
    if (!isRepeat && !(await findDeadLetterById(readStore, id))) throw notFound();
    const { reason = null } = request.body;
    const version = versionOfGroup(group);
    const done = await operate(name, origin, (from, state) => {
      // Nobody would do it.
      if (!isRepeat && version !== undefined && !isWorkedOn(state, version)) throw notFound();
      return decideTakeUp({ kind, stream, revision, reason, origin: from }, state);
    });
    return headersOf(request, `/v1/dead-letters/${id}`, done.written, done.replayed);
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

function refusalOf(refused: OperationRefusal, name: string, { candidate }: ProjectionState): Problem {
  switch (refused) {
    case 'key-reused':
      return keyReused();
    case 'none-kept':
      return new Problem(problems['no-version-kept'], { detail: `No version of ${name} is kept to go back to.` });
    case 'under-way': {
      const detail = `Version ${candidate?.version ?? ''} of ${name} is being built.`;
      return new Problem(problems['rebuild-under-way'], { detail });
    }
  }
}
