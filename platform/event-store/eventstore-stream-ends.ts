// What this process knows of the ends of streams that it appends to with `any` and `stream_exists`: the last revision and
// the newest ids. May be out of date: an append at a revision that is no longer the last finds that out.

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
  const ends = new Map<string, Map<string, number>>();

  function keep(stream: string, revisions: Map<string, number>): void {
    ends.delete(stream);
    ends.set(stream, revisions);
    while (revisions.size > mostIds) dropOldest(revisions);
    if (ends.size > mostStreams) dropOldest(ends);
  }

  return {
    get(stream) {
      const revisions = ends.get(stream);
      return revisions && endOf(revisions);
    },
    read(stream, newest) {
      const revisions = new Map<string, number>();
      for (const { id, revision } of newest.toReversed()) put(revisions, id, revision);
      keep(stream, revisions);
      return endOf(revisions);
    },
    appended(stream, ids, revision) {
      const revisions = ends.get(stream);
      if (!revisions) return;
      for (const [at, id] of ids.entries()) put(revisions, id, revision - ids.length + 1 + at);
      keep(stream, revisions);
    },
    forget: (stream) => void ends.delete(stream),
  };
}

/** Newest last. */
function put(revisions: Map<string, number>, id: string, revision: number): void {
  revisions.delete(id);
  revisions.set(id, revision);
}

function dropOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) return void map.delete(oldest);
}

function endOf(revisions: ReadonlyMap<string, number>): StreamEnd {
  return {
    last: [...revisions.values()].at(-1),
    repeated(ids) {
      const places = ids.map((id) => revisions.get(id));
      if (places[0] === undefined) return undefined;
      return places.includes(undefined) ? 'in part' : places.at(-1);
    },
  };
}
