import type { RecordedEvent } from '#events/envelope.ts';
import { LRUCache } from 'lru-cache';
import { idOfNumber, type IndexWrite, type SearchIndex } from '../search-index/search-index.ts';
import type { EventRowProjection } from './projection.ts';
import { type Folded, type ProjectionTarget, ROW_PORTION } from './projection-target.ts';

interface FoldedRows extends Folded {
  readonly rows: readonly IndexWrite[];
}

/** Streams whose last revision is remembered. */
const MOST_STREAMS = 50_000;

/**
 * Rows of a search index, one per event. Rows do not depend on one another: there is no earlier state to guard. But an
 * event that never came would be missed by nobody: so the last revision of each stream is remembered for as long as there
 * is room, and after a gap the stream is read again.
 */
export function createEventRowTarget(
  projection: EventRowProjection,
  index: Pick<SearchIndex, 'apply' | 'positions'>,
): ProjectionTarget<FoldedRows, FoldedRows> {
  const { name } = projection;
  const idOf = ({ id, position }: RecordedEvent) => (projection.index.numbered ? idOfNumber(Number(position)) : id);
  const written = new LRUCache<string, number>({ max: MOST_STREAMS });
  return {
    portion: ROW_PORTION,
    concerns: () => true,
    // What comes again is written again, which changes nothing: rows that another member could not write are among it.
    load: (streams) =>
      Promise.resolve(
        streams.map(({ stream, first }) => ({
          stream,
          revision: Math.min(written.get(stream) ?? Infinity, first - 1),
          rows: [],
        })),
      ),
    step(folded, event) {
      const { revision } = event;
      const fields = projection.fieldsOf(event);
      if (!fields) return { ...folded, revision };
      return { ...folded, revision, rows: [...folded.rows, { id: idOf(event), revision, fields }] };
    },
    skip: (folded, event) => ({ ...folded, revision: event.revision }),
    render: (folded) => folded,
    async write(rendered, positions) {
      const writes = rendered.flatMap(({ rows }) => rows);
      await index.apply(projection.index.name, writes, { projection: name, positions });
      for (const { stream, revision } of rendered) written.set(stream, revision);
    },
    positions: async () => (await index.positions(projection.index.name, name)).written,
  };
}
