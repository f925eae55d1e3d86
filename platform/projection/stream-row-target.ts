// Rows of a search index, one per stream. The index does not give rows back by id, so the states of streams that have
// not ended are kept in a bounded cache; a stream that is not in it is folded again from its first event.

import { LRUCache } from 'lru-cache';
import type { IndexWrite, SearchIndex } from '../search-index/search-index.ts';
import type { StreamRowProjection } from './projection.ts';
import { type Folded, type ProjectionTarget, type Rendered, ROW_PORTION } from './projection-target.ts';
import { sizeOf } from './state-size.ts';

interface FoldedState extends Folded {
  readonly state: unknown;
}

interface RenderedRow extends Rendered {
  readonly folded: FoldedState;
  readonly write: IndexWrite;
}

const MOST_STREAMS = 20_000;
const MOST_BYTES = 64 * 1_048_576;

export function createStreamRowTarget(
  projection: StreamRowProjection,
  index: Pick<SearchIndex, 'apply' | 'positions'>,
): ProjectionTarget<FoldedState, RenderedRow> {
  const { name } = projection;
  const known = new LRUCache<string, FoldedState>({
    max: MOST_STREAMS,
    maxSize: MOST_BYTES,
    sizeCalculation: ({ state }) => 256 + sizeOf(state),
  });

  function remember(folded: FoldedState) {
    const { state } = folded;
    if (state !== undefined && projection.ended(state)) known.delete(folded.stream);
    else known.set(folded.stream, folded);
  }

  return {
    portion: ROW_PORTION,
    concerns: (stream) => projection.idOf(stream) !== undefined,
    load: (streams) =>
      Promise.resolve(streams.map(({ stream }) => known.get(stream) ?? { stream, revision: -1, state: undefined })),
    step(folded, event) {
      const state = projection.project(folded.state, event);
      if (state === 'ignore') return { ...folded, revision: event.revision };
      return { stream: folded.stream, revision: event.revision, state: state ?? undefined };
    },
    skip: (folded, event) => ({ ...folded, revision: event.revision }),
    render(folded) {
      const { stream, revision, state } = folded;
      const fields = state === undefined ? null : projection.fields(state);
      return { stream, folded, write: { id: projection.idOf(stream) ?? stream, revision, fields } };
    },
    async write(rendered, positions) {
      const writes = rendered.map(({ write }) => write);
      await index.apply(projection.index.name, writes, { projection: name, positions });
      for (const { folded } of rendered) remember(folded);
    },
    positions: async () => (await index.positions(projection.index.name, name)).written,
  };
}
