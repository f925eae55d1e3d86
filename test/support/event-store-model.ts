// The rules of the event store's port for one stream, as plainly as they can be said.

import type { ExpectedRevision } from '#platform/event-store/event-store.ts';

/** The ids in a stream, by revision. */
export type StreamModel = readonly string[];

export type ModelAnswer =
  | { readonly kind: 'appended'; readonly revision: number; readonly stream: StreamModel }
  | { readonly kind: 'repeated'; readonly revision: number }
  | { readonly kind: 'refused'; readonly actual: number | undefined };

export function modelAppend(stream: StreamModel, ids: readonly string[], expected: ExpectedRevision): ModelAnswer {
  const last = stream.length - 1;
  const refused: ModelAnswer = { kind: 'refused', actual: last === -1 ? undefined : last };
  const appended: ModelAnswer = { kind: 'appended', revision: last + ids.length, stream: [...stream, ...ids] };
  if (expected === 'stream_exists' && last === -1) return refused;
  if (expected === 'any' || expected === 'stream_exists') {
    const places = ids.map((id) => stream.lastIndexOf(id));
    if (places[0] === -1) return appended;
    return places.includes(-1) ? refused : { kind: 'repeated', revision: places.at(-1) ?? -1 };
  }
  const at = expected === 'no_stream' ? -1 : expected;
  if (at === last) return appended;
  const same = ids.every((id, n) => stream[at + 1 + n] === id);
  return same ? { kind: 'repeated', revision: at + ids.length } : refused;
}
