// The tenants that a person has a part in.

import { type Member, members } from '#events/member.ts';
import { PLATFORM } from '#events/model.ts';
import { type Standing, standingKey } from '#events/standing.ts';
import type { FreshDocuments } from '../freshness.ts';

/** Of one person. */
const MOST = 200;

/** The oldest first; those that are only offered are none. */
export async function membershipsOf(
  documents: Pick<FreshDocuments, 'range' | 'get'>,
  userId: string,
): Promise<readonly Member[]> {
  const listed = await documents.range(members.list(userId), { limit: MOST });
  const found = await documents.get(listed.map(({ member }) => standingKey(member)));
  return found.flatMap((document) => {
    const standing = document?.value as Standing | null | undefined;
    return standing?.of === 'member' && standing.state.status === 'active' ? [standing.state.member] : [];
  });
}

/** Where a person acts who names no tenant: in the oldest that is not the platform. */
export async function homeOf(documents: Pick<FreshDocuments, 'range' | 'get'>, userId: string): Promise<string> {
  const all = await membershipsOf(documents, userId);
  return all.find(({ tenantId }) => tenantId !== PLATFORM)?.tenantId ?? PLATFORM;
}
