import type { DocumentWrite, ReadStore } from '../read-store/read-store.ts';
import type { Counts, DocumentProjection, Members } from './projection.ts';
import type { Folded, ProjectionTarget, Rendered } from './projection-target.ts';

interface FoldedDocument extends Folded {
  readonly document: unknown;
  readonly members: Members;
  readonly counts: Counts;
}

interface RenderedDocument extends Rendered {
  readonly write: DocumentWrite;
}

const NONE: readonly never[] = [];

/** Documents in the read store, which keeps the revision beside each. */
export function createDocumentTarget(
  projection: DocumentProjection,
  store: Pick<ReadStore, 'get' | 'apply' | 'positions'>,
): ProjectionTarget<FoldedDocument, RenderedDocument> {
  const { name } = projection;
  const keyOf = (stream: string) => projection.keyOf(stream) ?? stream;

  return {
    concerns: (stream) => projection.keyOf(stream) !== undefined,
    async load(streams) {
      // From its first event on a stream folds from nothing; if it was written further before, the guard refuses it. Only
      // counts, which are added up, would be added twice.
      const needed = projection.withoutCounts ? streams.filter(({ first }) => first > 0) : streams;
      const documents = await store.get(needed.map(({ stream }) => keyOf(stream)));
      const known = new Map(needed.map(({ stream }, at) => [stream, documents[at]]));
      return streams.map(({ stream }) => ({
        stream,
        revision: known.get(stream)?.revision ?? -1,
        document: known.get(stream)?.value ?? undefined,
        members: NONE,
        counts: NONE,
      }));
    },
    step(folded, event) {
      const change = projection.project(folded.document, event);
      if (change === 'ignore') return { ...folded, revision: event.revision };
      const { document, members, counts } = change;
      return {
        stream: folded.stream,
        revision: event.revision,
        document: document ?? undefined,
        members: members ? [...folded.members, ...members] : folded.members,
        counts: counts ? [...folded.counts, ...counts] : folded.counts,
      };
    },
    skip: (folded, event) => ({ ...folded, revision: event.revision }),
    render({ stream, revision, document, members, counts }) {
      const expiresAt = document === undefined ? undefined : projection.expiresAt?.(document);
      const write = {
        key: keyOf(stream),
        revision,
        value: document ?? null,
        ...(expiresAt !== undefined && { expiresAt }),
        ...(members.length > 0 && { members }),
        ...(counts.length > 0 && { counts }),
      };
      return { stream, write };
    },
    async write(rendered, positions) {
      const writes = rendered.map(({ write }) => write);
      await store.apply(writes, { projection: name, positions });
    },
    positions: () => store.positions(name),
  };
}
