import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { InboxState } from '#events/inbox.ts';

export interface MarkRead {
  readonly ids: readonly string[];
  /** Milliseconds since the epoch; undefined where only `ids` are meant. */
  readonly upTo: number | undefined;
  /** The tenants whose notifications `upTo` is about. */
  readonly of: readonly string[];
  readonly now: number;
  readonly origin: Origin;
}

/** Nothing where all are read already. */
export function decideMarkRead({ ids, upTo, of, now, origin }: MarkRead, state: InboxState): readonly NewEvent[] {
  const until = upTo === undefined ? null : Math.min(upTo, now);
  const isLater = until !== null && of.some((tenant) => until > (state.upTo[tenant] ?? 0));
  const marked = [...new Set(ids)].filter((id) => !state.ids.includes(id));
  if (!isLater && marked.length === 0) return [];
  return [
    createEvent('NotificationsRead', { ids: marked, upTo: isLater ? until : null, of: isLater ? [...of] : [] }, origin),
  ];
}
