// Lists of small things kept as standings: a page of a sorted set, and their documents.

import { type Standing, standingKey } from '#events/standing.ts';
import { subjectOf } from '#events/streams.ts';
import type { FreshDocuments } from './freshness.ts';
import { readCursor, writeCursor } from './page-cursor.ts';

export interface Listed {
  /** What stands after the stream's category. */
  readonly id: string;
  readonly standing: Standing;
  readonly revision: number;
}

/** The newest first. */
export async function listStandings(
  documents: Pick<FreshDocuments, 'range' | 'get'>,
  set: string,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<{ readonly items: Listed[]; readonly next: string | null }> {
  const from = readCursor(set, after);
  const members = await documents.range(set, {
    limit: limit + 1,
    reverse: true,
    ...(from && { after: { score: from.sort, member: from.id } }),
  });
  const page = members.slice(0, limit);
  const found = await documents.get(page.map(({ member }) => standingKey(member)));
  const items = found.flatMap((document, i) =>
    document?.value
      ? [{ id: subjectOf(page[i]?.member ?? ''), standing: document.value as Standing, revision: document.revision }]
      : [],
  );
  const last = page.at(-1);
  const next = members.length > limit && last ? writeCursor(set, { sort: last.score, id: last.member }) : null;
  return { items, next };
}
