// How every command runs: decided on its stream's state, appended, its standing renewed before anyone is answered. A
// decider's refusal becomes the problem that the handler's table says.

import type { AnyAggregate } from '#events/aggregate.ts';
import type { Origin } from '#events/create-event.ts';
import type { Standing } from '#events/standing.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { type Decision, handleCommand } from '#platform/event-store/handle-command.ts';
import type { Decider } from '#platform/event-store/load-state.ts';
import type { Snapshots } from '#platform/event-store/snapshots.ts';
import { Problem } from '#platform/http/problem.ts';
import { etagOf, type IfMatch } from '#platform/http/route.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { problems } from '#contracts/problems.ts';
import type { Origins } from './origin.ts';

/** Where commands are run; those of a first start have no snapshots. */
export interface CommandPorts {
  readonly store: EventStore;
  readonly standings: Standings<Standing>;
  readonly snapshots?: Snapshots;
}

/** What the routes that run commands need besides. */
export interface CommandRoutePorts extends CommandPorts {
  readonly tokens: ConsistencyTokens;
  readonly origins: Origins;
}

/** What a caller is told of each reason for which a decider refuses. */
export type Refusals<State, Refusal extends string> = {
  readonly [Reason in Refusal]: (state: State) => Problem;
};

export interface Command<State, Refusal extends string> {
  readonly aggregate: AnyAggregate & Decider<State>;
  readonly stream: string;
  readonly origin: Pick<Origin, 'commandId' | 'eventId'> & { readonly repeatable: boolean };
  /** The stream is named from the command: without an Idempotency-Key it is appended to unread. */
  readonly create?: boolean;
  /** `*` asks nothing of the stream: whether there is something to change the decider knows. */
  readonly ifMatch?: IfMatch | undefined;
  /** Not called for a repeat: what may have changed since the first time is looked at in it. */
  readonly decide: (state: State) => Decision<Refusal> | Promise<Decision<Refusal>>;
  readonly refusals: Refusals<State, Refusal>;
}

/** A stream that a command wrote, or found to be so already. */
export interface Written {
  readonly stream: string;
  readonly topic: string;
  readonly revision: number;
  readonly position: bigint;
}

export interface Done<State> {
  readonly before: State;
  /** Right after the command, also of a repeat. */
  readonly state: State;
  readonly outcome: 'appended' | 'unchanged' | 'replayed';
  readonly written: Written;
}

/** Throws the refusal's problem, and 422 where an Idempotency-Key was used with another body. */
export async function runCommand<State, Refusal extends string = never>(
  { store, standings, snapshots }: CommandPorts,
  { aggregate, stream, origin, create = false, ifMatch, decide, refusals }: Command<State, Refusal>,
): Promise<Done<State>> {
  const handled = await handleCommand<State, Refusal>({
    store,
    stream,
    decider: aggregate,
    decide,
    create,
    snapshots,
    command: origin.repeatable ? origin : undefined,
    expected: typeof ifMatch === 'number' ? ifMatch : undefined,
  });
  if (handled.outcome === 'refused') {
    const { reason, state } = handled;
    throw reason === 'idempotency-key-reused' ? keyReused() : refusals[reason](state);
  }
  if (aggregate.standing) await standings.refresh(stream);
  const { before, state, outcome, revision, position } = handled;
  return { before, state, outcome, written: { stream, topic: aggregate.topic, revision, position } };
}

/**
 * What an answer says of what a command wrote: the last stream's revision as ETag, a consistency token that any later
 * read of the same holder may carry to see it, and whether this is the answer to a repeat (WIRE.md).
 */
export function acknowledge(
  tokens: ConsistencyTokens,
  holder: string,
  { written, outcome }: Pick<Done<unknown>, 'written' | 'outcome'>,
  alsoWritten: readonly Written[] = [],
): Record<string, string> {
  return {
    'x-consistency-token': tokens.issue(holder, [...alsoWritten, written]),
    etag: etagOf(written.revision),
    ...(outcome === 'replayed' && { 'idempotent-replayed': 'true' }),
  };
}

const keyReused = () =>
  new Problem(problems['idempotency-key-reused'], {
    detail: 'This Idempotency-Key was used before with another body.',
    errors: [{ in: 'header', pointer: '/idempotency-key', message: 'was used for another request' }],
  });

export const notFound = () => new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
