// Pages of notifications, and how many of them are unread. What is read is known of each person, not of a row: so unread
// ones are found by looking at rows, a bounded number of them.

import { type InboxState, isRead } from '#events/inbox.ts';
import type { Condition, Hit } from '#platform/search-index/search-index.ts';
import type { FreshIndex } from '../freshness.ts';
import { type PageEnd, readCursor, writeCursor } from '../page-cursor.ts';
import type { Audience } from './audience.ts';

const LOOKED_AT_ONCE = 500;
/** Rows looked at for one answer. */
const MOST_LOOKED_AT = 5_000;

type Searched = Pick<FreshIndex, 'search'>;

export interface ListAsked {
  readonly audience: Audience;
  readonly inbox: InboxState;
  /** Rows of later than this are yet to be told. */
  readonly now: number;
}

export interface PageAsked extends ListAsked {
  readonly unread: boolean;
  readonly limit: number;
  readonly after?: string | undefined;
}

interface Found {
  readonly hits: readonly Hit[];
  /** Where it stopped looking, if there may be more. */
  readonly stoppedAt: PageEnd | undefined;
}

export const isHitRead = (inbox: InboxState, { id, sort, fields }: Hit) =>
  isRead(inbox, { id, at: sort, tenant: String(fields['tenant']) });

/** The newest first; where there are many read ones between the unread, a page may hold fewer than asked for. */
export async function readPage(index: Searched, asked: PageAsked) {
  const { inbox, unread, limit, after } = asked;
  const wanted = (hit: Hit) => !unread || !isHitRead(inbox, hit);
  const { hits, stoppedAt } = await look(index, asked, {
    wanted,
    most: limit + 1,
    from: readCursor('notifications', after),
  });
  const page = hits.slice(0, limit);
  const last = page.at(-1);
  const end = hits.length > limit && last ? last : stoppedAt;
  return { hits: page, next: end ? writeCursor('notifications', end) : null };
}

/** How many have not been read, counted up to `most`. */
export async function countUnread(index: Searched, asked: ListAsked, most: number): Promise<number> {
  const { inbox, audience } = asked;
  const readUpTo = Math.min(...audience.tenants.map((tenant) => inbox.upTo[tenant] ?? -1));
  const wanted = (hit: Hit) => !isHitRead(inbox, hit);
  const { hits } = await look(index, asked, { wanted, most, from: undefined, since: readUpTo + 1 });
  return hits.length;
}

interface Look {
  readonly wanted: (hit: Hit) => boolean;
  readonly most: number;
  readonly from: PageEnd | undefined;
  readonly since?: number;
}

async function look(
  index: Searched,
  { audience, now }: ListAsked,
  { wanted, most, from, since }: Look,
): Promise<Found> {
  const { tenants, permissions } = audience;
  if (permissions.length === 0) return { hits: [], stoppedAt: undefined };
  const conditions: Condition[] = [
    { field: 'permission', in: permissions },
    { field: 'at', to: now, ...(since !== undefined && { from: since }) },
  ];
  const hits: Hit[] = [];
  let after = from;
  for (let looked = 0; looked < MOST_LOOKED_AT; looked += LOOKED_AT_ONCE) {
    const found = await index.search({
      partition: tenants,
      conditions,
      order: 'descending',
      limit: LOOKED_AT_ONCE,
      ...(after && { after }),
    });
    hits.push(...found.filter(wanted).slice(0, most - hits.length));
    after = found.at(-1);
    if (hits.length >= most || !after || found.length < LOOKED_AT_ONCE) return { hits, stoppedAt: undefined };
  }
  return { hits, stoppedAt: after };
}
