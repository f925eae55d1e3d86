import { type DeadLetterView, type InspectedDeadLetterView, operationRoutes } from '#contracts/operations.ts';
import { problems } from '#contracts/problems.ts';
import { isoTime } from '#contracts/views.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { isWorkedOn, letterRequestOf, projections } from '#events/projection.ts';
import {
  countDeadLetters,
  type DeadLetter,
  deadLetterId,
  findDeadLetterById,
  listDeadLetters,
  nameOfGroup,
  readDeadLetterId,
  versionOfGroup,
} from '#platform/bus/dead-letter-rows.ts';
import type { Positions } from '#platform/positions.ts';
import { type EventStore, LogIsNewer } from '#platform/event-store/event-store.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import type { Snapshots } from '#platform/event-store/snapshots.ts';
import { readWholeStream } from '#platform/event-store/read-whole-stream.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import { type BoundRoute, etagOf, type Handler } from '#platform/http/route.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { versionName } from '#platform/projection/versions.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { viewEventHead } from '../audit/view-audit-event.ts';
import type { Freshness } from '../freshness.ts';
import { notFound } from '../not-found.ts';
import { viewProjection } from './projection-view.ts';
import type { StatusOf } from './projector-status.ts';

export interface OperationQueryPorts {
  readonly store: Pick<EventStore, 'readStream' | 'head'>;
  readonly snapshots: Snapshots;
  readonly readStore: Pick<ReadStore, 'get' | 'keys'>;
  readonly fresh: Freshness;
  readonly readModels: readonly Projection[];
  readonly statusOf: StatusOf;
}

export function createOperationRoutes({
  store,
  snapshots,
  readStore,
  fresh,
  readModels,
  statusOf,
}: OperationQueryPorts): BoundRoute[] {
  /** Folded from the log, so that it shows what was asked a moment ago. */
  const stateOf = (name: string) =>
    loadState({ store, snapshots, stream: projections.stream(name), decider: projections });

  const viewOf = async (readModel: Projection) => {
    const { name } = readModel;
    const { state, revision } = await stateOf(name);
    // A version that is not there yet has no positions.
    const positions = await fresh.positions(readModel, state.live).catch((): Positions => new Map());
    const deadLetters = await countDeadLetters(readStore, versionName(name, state.live));
    const view = viewProjection({ name, state, positions, deadLetters, head: await store.head(), statusOf });
    return { view, revision };
  };

  const listProjections: Handler<typeof operationRoutes.listProjections> = async (request) => {
    fresh.check(request);
    const found = await Promise.all(readModels.map(viewOf));
    return { status: 200, body: { object: 'list', data: found.map(({ view }) => view), next: null } };
  };

  const getProjection: Handler<typeof operationRoutes.getProjection> = async (request) => {
    const { name } = request.params;
    fresh.check(request);
    const readModel = readModels.find((one) => one.name === name);
    if (!readModel) throw notFound();
    const { view, revision } = await viewOf(readModel);
    return { status: 200, ...(revision >= 0 && { headers: { etag: etagOf(revision) } }), body: view };
  };

  /**
   * What was asked to be done with letters of these groups, by the letter's id; the last of each. From all events: no state,
   * so no snapshot, remembers every letter.
   */
  const requestsOf = async (letters: readonly Pick<DeadLetter, 'group'>[]) => {
    const names = [...new Set(letters.map(({ group }) => nameOfGroup(group)))];
    const asked = await Promise.all(
      names.map(async (name) => [name, await readWholeStream(store, projections.stream(name))] as const),
    );
    const events = new Map(asked);
    return ({ group, stream, revision, request }: Pick<DeadLetter, 'group' | 'stream' | 'revision' | 'request'>) =>
      (events.get(nameOfGroup(group)) ?? [])
        .flatMap((event) => letterRequestOf(event) ?? [])
        .findLast((one) => one.stream === stream && one.revision === revision && one.request > request)?.kind ?? null;
  };

  const workedOn = async () => {
    const states = new Map(await Promise.all(readModels.map(async ({ name }) => [name, await stateOf(name)] as const)));
    return (group: string): boolean => {
      const [version, known] = [versionOfGroup(group), states.get(nameOfGroup(group))];
      return version === undefined || known === undefined || isWorkedOn(known.state, version);
    };
  };

  const listLetters: Handler<typeof operationRoutes.listDeadLetters> = async (request) => {
    fresh.check(request);
    const { group, limit, after } = request.query;
    const from = after === undefined ? undefined : readDeadLetterId(after);
    if (after !== undefined && !from) {
      const errors = [{ in: 'query' as const, pointer: '/after', message: 'is not a `next` that a list gave' }];
      throw new Problem(problems['invalid-request'], { detail: 'There is no such page.', errors });
    }
    const found = await listDeadLetters(readStore, {
      accepts: await workedOn(),
      limit: limit + 1,
      ...(group !== undefined && { group }),
      ...(from && { after: from }),
    });
    const page = found.slice(0, limit);
    const requestedOf = await requestsOf(page);
    const last = page.at(-1);
    const next = found.length > limit && last ? deadLetterId(last) : null;
    return { status: 200, body: { object: 'list', data: page.map((one) => viewLetter(one, requestedOf(one))), next } };
  };

  const getDeadLetter: Handler<typeof operationRoutes.getDeadLetter> = async (request) => {
    fresh.check(request);
    const { id } = request.params;
    const letter = await findDeadLetterById(readStore, id);
    const view = letter ? await viewStanding(letter) : await viewTakenUp(id);
    if (!view) throw notFound();
    return { status: 200, body: view };
  };

  const viewStanding = async (letter: DeadLetter): Promise<InspectedDeadLetterView | undefined> => {
    if (!(await workedOn())(letter.group)) return undefined;
    const requestedOf = await requestsOf([letter]);
    const event = await eventOf(letter);
    return {
      ...viewLetter(letter, requestedOf(letter)),
      status: 'standing',
      event: event ? viewEventHead(event) : null,
    };
  };

  /** The row is gone with the letter: what was asked is in the log. */
  const viewTakenUp = async (id: string): Promise<InspectedDeadLetterView | undefined> => {
    const named = readDeadLetterId(id);
    const asked = named && (await requestsOf([named]))({ ...named, request: -1 });
    if (!named || !asked) return undefined;
    const event = await eventOf(named);
    return {
      ...viewName(named),
      status: asked === 'retry' ? 'retried' : 'discarded',
      eventId: event?.id ?? null,
      error: null,
      attempts: null,
      failedAt: null,
      requested: null,
      event: event ? viewEventHead(event) : null,
    };
  };

  /** undefined for one that this program cannot read: that may be why it is a dead letter. */
  const eventOf = async ({
    stream,
    revision,
  }: Pick<DeadLetter, 'stream' | 'revision'>): Promise<RecordedEvent | undefined> => {
    try {
      return (await store.readStream(stream, { from: revision, limit: 1 }))[0];
    } catch (error) {
      if (error instanceof LogIsNewer) return undefined;
      throw error;
    }
  };

  return bindRoutes(operationRoutes, 'query', {
    listProjections,
    getProjection,
    listDeadLetters: listLetters,
    getDeadLetter,
  });
}

function viewLetter(letter: DeadLetter, requested: DeadLetterView['requested']): DeadLetterView {
  const { eventId, error, attempts, failedAt } = letter;
  return { ...viewName(letter), eventId, error, attempts, failedAt: isoTime(failedAt), requested };
}

function viewName({ group, stream, revision }: Pick<DeadLetter, 'group' | 'stream' | 'revision'>) {
  const id = deadLetterId({ group, stream, revision });
  const version = versionOfGroup(group) ?? null;
  return { id, object: 'dead_letter', group: nameOfGroup(group), version, stream, revision } as const;
}
