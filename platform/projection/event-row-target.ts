import type { IndexWrite, SearchIndex } from '../search-index/search-index.ts';
import type { EventRowProjection } from './projection.ts';
import type { Folded, ProjectionTarget } from './projection-target.ts';

interface FoldedRows extends Folded {
  readonly rows: readonly IndexWrite[];
}

/** Rows of a search index, one per event. Rows do not depend on one another: there is no earlier state to guard. */
export function createEventRowTarget(
  projection: EventRowProjection,
  index: Pick<SearchIndex, 'apply' | 'positions'>,
): ProjectionTarget<FoldedRows, FoldedRows> {
  const { name } = projection;
  return {
    concerns: () => true,
    load: (streams) => Promise.resolve(streams.map(({ stream, first }) => ({ stream, revision: first - 1, rows: [] }))),
    step(folded, event) {
      const { revision } = event;
      const fields = projection.fieldsOf(event);
      if (!fields) return { ...folded, revision };
      return { ...folded, revision, rows: [...folded.rows, { id: event.id, revision, fields }] };
    },
    skip: (folded, event) => ({ ...folded, revision: event.revision }),
    render: (folded) => folded,
    async write(rendered, positions) {
      const writes = rendered.flatMap(({ rows }) => rows);
      await index.apply(projection.index.name, writes, { projection: name, positions });
    },
    positions: async () => (await index.positions(projection.index.name, name)).written,
  };
}
