// Reads that carry a consistency token see what it stands for, or are told to come again: never a stale answer.

import { problems } from '#contracts/problems.ts';
import { findDeadLetter } from '#platform/bus/dead-letters.ts';
import type { Bus } from '#platform/bus/bus.ts';
import type { Positions } from '#platform/bus/bus.ts';
import type { ConsistencyEntry, ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import { Problem } from '#platform/http/problem.ts';
import type { Caller, HttpRequest } from '#platform/http/route.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { waitForPositions } from '#platform/projection/wait-for-positions.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import { AUDIT, AUDIT_INDEX } from '../projectors/audit/read-model.ts';
import { INFERENCES, INFERENCES_INDEX } from '../projectors/inferences/read-model.ts';
import { STANDING } from '../projectors/standing/read-model.ts';

/** The longest that a read waits for its projection. */
const WAIT_MS = 5_000;

export type TokenBearer = Pick<HttpRequest<unknown, unknown, unknown, Caller>, 'caller' | 'consistencyToken'>;

/** Each waits until its read model has what the request's token stands for; throws 422, or 503 when it takes too long. */
export interface Freshness {
  standings(request: TokenBearer): Promise<void>;
  inferences(request: TokenBearer): Promise<void>;
  audit(request: TokenBearer): Promise<void>;
  /** Only checks the token: for reads that go to the log itself. */
  check(request: TokenBearer): void;
}

export interface FreshnessPorts {
  readonly tokens: ConsistencyTokens;
  readonly partitionOf: Bus['partitionOf'];
  readonly live: LiveChannel;
  readonly readStore: Pick<ReadStore, 'positions' | 'get'>;
  readonly searchIndex: Pick<SearchIndex, 'positions' | 'refresh'>;
}

export function createFreshness({ tokens, partitionOf, live, readStore, searchIndex }: FreshnessPorts): Freshness {
  const entriesOf = ({ caller, consistencyToken }: TokenBearer): readonly ConsistencyEntry[] => {
    if (consistencyToken === undefined) return [];
    const reading = tokens.read(caller.tenantId, consistencyToken);
    if (reading.ok) return reading.entries;
    const errors = [{ in: 'header' as const, pointer: '/x-consistency-token', message: `is ${reading.reason}` }];
    throw new Problem(problems['invalid-consistency-token'], { detail: `The token is ${reading.reason}.`, errors });
  };

  const requireNotParked = async (projection: string, entries: readonly ConsistencyEntry[]) => {
    for (const { stream } of entries) {
      const letter = await findDeadLetter(readStore, projection, stream);
      if (letter)
        throw new Problem(problems['projection-parked'], {
          detail: `The read model ${projection} has parked ${stream}.`,
          headers: { 'retry-after': '30' },
        });
    }
  };

  const waitFor = async (
    request: TokenBearer,
    projection: { readonly name: string; readonly topics: readonly string[] },
    positions: () => Promise<Positions>,
  ) => {
    const entries = entriesOf(request).filter(({ topic }) => projection.topics.includes(topic));
    if (entries.length === 0) return;
    const wanted = entries.map(({ topic, stream, position }) => ({
      topic,
      partition: partitionOf(topic, stream),
      position,
    }));
    const { name, topics } = projection;
    const passed = await waitForPositions({ projection: name, topics, positions, live, wanted, timeoutMs: WAIT_MS });
    await requireNotParked(projection.name, entries);
    if (passed) return;
    const detail = `The read model ${projection.name} has not caught up within ${WAIT_MS / 1_000} s.`;
    throw new Problem(problems['not-caught-up'], { detail, headers: { 'retry-after': '1' } });
  };

  const visible = (index: string, projection: string) => async () => {
    await searchIndex.refresh(index);
    return (await searchIndex.positions(index, projection)).visible;
  };

  return {
    check: (request) => void entriesOf(request),
    standings: (request) => waitFor(request, STANDING, () => readStore.positions(STANDING.name)),
    inferences: (request) => waitFor(request, INFERENCES, visible(INFERENCES_INDEX.name, INFERENCES.name)),
    audit: (request) => waitFor(request, AUDIT, visible(AUDIT_INDEX.name, AUDIT.name)),
  };
}
