// What a command's answer says of what it wrote: the revision as ETag, and a consistency token that any later read may
// carry to see it.

import { topicOf } from '#events/aggregates.ts';
import type { ConsistencyTokens } from '#platform/consistency/consistency-token.ts';
import { etagOf } from '#platform/http/route.ts';

export interface Written {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
}

/** `writes` names every stream that the command wrote; the last one's revision is the ETag. */
export function acknowledge(tokens: ConsistencyTokens, tenantId: string, writes: readonly Written[]) {
  const entries = writes.map(({ stream, position }) => ({ stream, topic: topicOf(stream) ?? '', position }));
  const headers: Record<string, string> = { 'x-consistency-token': tokens.issue(tenantId, entries) };
  const last = writes.at(-1);
  if (last) headers['etag'] = etagOf(last.revision);
  return headers;
}
