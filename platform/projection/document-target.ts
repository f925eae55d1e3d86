import type { Positions } from '../positions.ts';
import type { DocumentWrite, ReadStore } from '../read-store/read-store.ts';
import type { Counts, DocumentProjection, Members } from './projection.ts';
import type { Folded, ProjectionTarget, Rendered } from './projection-target.ts';

/** What one event adds to counters. */
interface Counted {
  readonly revision: number;
  readonly counts: Counts;
}

interface FoldedDocument extends Folded {
  /** The revision that the fold began from. */
  readonly base: number;
  readonly document: unknown;
  readonly members: Members;
  readonly counted: readonly Counted[];
}

interface RenderedDocument extends Rendered {
  readonly write: DocumentWrite;
  readonly base: number;
  readonly counted: readonly Counted[];
}

const NONE: readonly never[] = [];
/** Moves nothing; but a store that lost where the projection stood refuses what was folded from what it lost. */
const NOWHERE: Positions = new Map();
/** Measured with Redis: of 1,000 streams at once it was idle half of the time, and so was this process. */
const PORTION = 250;
/** Each time another writer came between; so many in a row are no race any more. */
const MOST_RACES = 100;

/** Documents in the read store, which keeps the revision beside each. */
export function createDocumentTarget(
  projection: DocumentProjection,
  store: Pick<ReadStore, 'get' | 'apply' | 'positions'>,
): ProjectionTarget<FoldedDocument, RenderedDocument> {
  const { name } = projection;
  const keyOf = (stream: string) => projection.keyOf(stream) ?? stream;

  /**
   * Writes documents that carry counts, each only over the one that it was folded from. Where another writer came between,
   * what is stored by then says which events are counted already: the document itself is the same from any base.
   */
  async function writeCounted(rendered: readonly RenderedDocument[]): Promise<void> {
    let open = rendered;
    for (let races = 0; open.length > 0; races++) {
      if (races > MOST_RACES) throw new Error(`${name}: the same documents are written by others all the time`);
      const advanced = await store.apply(open.map(withCounts), { projection: name, positions: NOWHERE });
      const refused = open.filter(({ write }) => !advanced.has(write.key));
      const stored = refused.length > 0 ? await store.get(refused.map(({ write }) => write.key)) : NONE;
      open = refused
        .map((one, at) => ({ ...one, base: stored[at]?.revision ?? -1 }))
        .filter(({ write, base }) => write.revision > base);
    }
  }

  return {
    portion: PORTION,
    concerns: (stream) => projection.keyOf(stream) !== undefined,
    async load(streams) {
      // From its first event on a stream folds from nothing; if it was written further before, the guard refuses it. Only
      // counts, which are added up, would be added twice.
      const needed = projection.withoutCounts ? streams.filter(({ first }) => first > 0) : streams;
      const documents = await store.get(needed.map(({ stream }) => keyOf(stream)));
      const known = new Map(needed.map(({ stream }, at) => [stream, documents[at]]));
      return streams.map(({ stream }) => {
        const stored = known.get(stream);
        const revision = stored?.revision ?? -1;
        const document = stored?.value ?? undefined;
        return { stream, revision, base: revision, document, members: NONE, counted: NONE };
      });
    },
    step(folded, event) {
      const { revision } = event;
      const change = projection.project(folded.document, event);
      if (change === 'ignore') return { ...folded, revision };
      const { document, members, counts } = change;
      return {
        ...folded,
        revision,
        document: document ?? undefined,
        members: members ? [...folded.members, ...members] : folded.members,
        counted: counts && counts.length > 0 ? [...folded.counted, { revision, counts }] : folded.counted,
      };
    },
    skip: (folded, event) => ({ ...folded, revision: event.revision }),
    render({ stream, revision, base, document, members, counted }) {
      const expiresAt = document === undefined ? undefined : projection.expiresAt?.(document);
      const write = {
        key: keyOf(stream),
        revision,
        value: document ?? null,
        ...(expiresAt !== undefined && { expiresAt }),
        ...(members.length > 0 && { members }),
      };
      return { stream, write, base, counted };
    },
    async write(rendered, positions) {
      // First and by themselves: one that another writer came before must be written again before the positions pass it.
      await writeCounted(rendered.filter(({ counted }) => counted.length > 0));
      const writes = rendered.filter(({ counted }) => counted.length === 0).map(({ write }) => write);
      await store.apply(writes, { projection: name, positions });
    },
    positions: () => store.positions(name),
  };
}

function withCounts({ write, base, counted }: RenderedDocument): DocumentWrite {
  const counts = counted.filter(({ revision }) => revision > base).flatMap(({ counts }) => counts);
  return { ...write, base, ...(counts.length > 0 && { counts }) };
}
