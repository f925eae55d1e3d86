// Rows of a search index, one per stream. The index does not give rows back by id, so the states of streams that have
// not ended are kept in a bounded cache; a stream that is not in it is folded again from its first event.

import { LRUCache } from 'lru-cache';
import { idOfNumber, type IndexWrite, type SearchIndex } from '../search-index/search-index.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import type { StreamRowProjection } from './projection.ts';
import { type Folded, type ProjectionTarget, type Rendered, ROW_PORTION } from './projection-target.ts';
import { sizeOf } from './state-size.ts';

interface FoldedState extends Folded {
  readonly state: unknown;
  /** The position of the stream's first event. */
  readonly born: number | undefined;
}

interface RenderedRow extends Rendered {
  readonly folded: FoldedState;
  /** None where nothing of the stream has come. */
  readonly write: IndexWrite | undefined;
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

  const { numbered, sortBy } = projection.index;
  const passed = (folded: FoldedState, event: RecordedEvent): FoldedState => ({
    ...folded,
    revision: event.revision,
    born: event.revision === 0 ? Number(event.position) : folded.born,
  });

  function toWrite({ stream, revision, state, born }: FoldedState): IndexWrite | undefined {
    const fields = state === undefined ? null : projection.fields(state);
    if (!numbered) return { id: projection.idOf?.(stream) ?? stream, revision, fields };
    return born === undefined
      ? undefined
      : { id: idOfNumber(born), revision, fields: fields && { ...fields, [sortBy]: born } };
  }

  return {
    portion: ROW_PORTION,
    concerns: (stream) => projection.concerns(stream),
    load: (streams) =>
      Promise.resolve(
        streams.map(({ stream }) => known.get(stream) ?? { stream, revision: -1, state: undefined, born: undefined }),
      ),
    step(folded, event) {
      const state = projection.project(folded.state, event);
      if (state === 'ignore') return passed(folded, event);
      return { ...passed(folded, event), state: state ?? undefined };
    },
    skip: passed,
    render: (folded) => ({ stream: folded.stream, folded, write: toWrite(folded) }),
    async write(rendered, positions) {
      const writes = rendered.flatMap(({ write }) => write ?? []);
      await index.apply(projection.index.name, writes, { projection: name, positions });
      for (const { folded } of rendered) remember(folded);
    },
    positions: async () => (await index.positions(projection.index.name, name)).written,
  };
}
