// What this process knows of the ends of streams that it appends to with `any` and `stream_exists`: the last revision and
// the newest ids. May be out of date: an append at a revision that is no longer the last finds that out.

import { LRUCache } from 'lru-cache';
import type { RecordedEvent } from '#events/envelope.ts';

export interface StreamEnd {
  /** Undefined for a stream that does not exist. */
  readonly last: number | undefined;
  /** Where the last of these ids stands, if all are among the newest; 'in part' if only the first is. */
  repeated(ids: readonly string[]): number | 'in part' | undefined;
}

export interface StreamEnds {
  get(stream: string): StreamEnd | undefined;
  /** As just read, backwards. */
  read(stream: string, newest: readonly RecordedEvent[]): StreamEnd;
  /** As just appended, the last of them at this revision. */
  appended(stream: string, ids: readonly string[], revision: number): void;
  forget(stream: string): void;
}

/** Knows the newest streams, and of each the newest ids. */
export function createStreamEnds(mostIds: number, mostStreams = 1_000): StreamEnds {
  const ends = new LRUCache<string, Revisions>({ max: mostStreams });

  return {
    get(stream) {
      const revisions = ends.get(stream);
      return revisions && endOf(revisions);
    },
    read(stream, newest) {
      const revisions: Revisions = new LRUCache({ max: mostIds });
      for (const { id, revision } of newest.toReversed()) revisions.set(id, revision);
      ends.set(stream, revisions);
      return endOf(revisions);
    },
    appended(stream, ids, revision) {
      const revisions = ends.get(stream);
      if (!revisions) return;
      for (const [at, id] of ids.entries()) revisions.set(id, revision - ids.length + 1 + at);
    },
    forget: (stream) => void ends.delete(stream),
  };
}

/** By id. What was written last is what was used last. */
type Revisions = LRUCache<string, number>;

function endOf(revisions: Revisions): StreamEnd {
  const [last] = revisions.values();
  return {
    last,
    repeated(ids) {
      const places = ids.map((id) => revisions.peek(id));
      if (places[0] === undefined) return undefined;
      return places.includes(undefined) ? 'in part' : places.at(-1);
    },
  };
}
