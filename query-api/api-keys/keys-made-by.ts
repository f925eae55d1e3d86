import { apiKeys } from '#events/api-key.ts';
import type { FreshDocuments } from '../freshness.ts';
import { listStandings } from '../stored-list.ts';

const PAGE = 200;

/** The ids of the keys that someone made in a tenant and that are not revoked. */
export async function keysMadeBy(
  documents: Pick<FreshDocuments, 'range' | 'get'>,
  userId: string,
  tenantId: string,
): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | undefined; ;) {
    const { items, next } = await listStandings(documents, apiKeys.list(userId), { limit: PAGE, after });
    for (const { id, standing } of items)
      if (standing.of === 'apikey' && standing.state.key.tenantId === tenantId) ids.push(id);
    if (next === null) return ids;
    after = next;
  }
}
