// Rows of a search index, any number of them for each stream. As the index does not give rows back by id, a stream's state
// says what its rows need; states are kept in a bounded cache, and one that is not in it is folded again from the stream's
// first event, which writes rows that are there already: their revisions refuse that.

import { LRUCache } from 'lru-cache';
import type { RecordedEvent } from '#events/envelope.ts';
import type { IndexWrite, SearchIndex } from '../search-index/search-index.ts';
import type { StreamRowsProjection } from './projection.ts';
import { type Folded, type ProjectionTarget, ROW_PORTION } from './projection-target.ts';
import { sizeOf } from './state-size.ts';

interface FoldedRows extends Folded {
  readonly state: unknown;
  /** Since the state was loaded. */
  readonly writes: readonly IndexWrite[];
}

const MOST_STREAMS = 5_000;
const MOST_BYTES = 16 * 1_048_576;
const NONE: readonly never[] = [];

export function createStreamRowsTarget(
  projection: StreamRowsProjection,
  index: Pick<SearchIndex, 'apply' | 'positions'>,
): ProjectionTarget<FoldedRows, FoldedRows> {
  const { name } = projection;
  const known = new LRUCache<string, FoldedRows>({
    max: MOST_STREAMS,
    maxSize: MOST_BYTES,
    sizeCalculation: ({ state }) => 256 + sizeOf(state),
  });
  const passed = (folded: FoldedRows, { revision }: RecordedEvent): FoldedRows => ({ ...folded, revision });
  return {
    portion: ROW_PORTION,
    concerns: (stream) => projection.concerns(stream),
    load: (streams) =>
      Promise.resolve(
        streams.map(({ stream }) => known.get(stream) ?? { stream, revision: -1, state: undefined, writes: NONE }),
      ),
    step(folded, event) {
      const { revision } = event;
      const change = projection.project(folded.state, event);
      if (change === 'ignore') return passed(folded, event);
      const writes = change.rows.map((row) => ({ ...row, revision }));
      return { ...folded, revision, state: change.state, writes: [...folded.writes, ...writes] };
    },
    skip: passed,
    render: (folded) => folded,
    async write(rendered, positions) {
      const writes = rendered.flatMap((one) => one.writes);
      await index.apply(projection.index.name, writes, { projection: name, positions });
      for (const folded of rendered) known.set(folded.stream, { ...folded, writes: NONE });
    },
    positions: async () => (await index.positions(projection.index.name, name)).written,
  };
}
