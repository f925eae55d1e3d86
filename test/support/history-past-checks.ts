// I4 of the past: a tenant as of a moment is the fold of the log up to there.

import canonicalize from 'canonicalize';
import type { RecordedEvent } from '#events/envelope.ts';
import { evolveStanding, hasStanding, isThere, ownerOf, type Standing } from '#events/standing.ts';
import { categoryOf } from '#events/streams.ts';
import type { Row, TenantThen } from './history.ts';

/** Shown otherwise than it stands in the log: sealed, or secret. */
const NOT_AS_IT_IS: ReadonlySet<string> = new Set(['hash', 'email', 'name']);

/** A state as it is compared: its text without what is shown otherwise, whatever order its members stand in. */
export function comparableState(state: unknown): string {
  const shown = JSON.stringify(state, (name, value: unknown) => (NOT_AS_IT_IS.has(name) ? undefined : value));
  return canonicalize(JSON.parse(shown)) ?? '';
}

/** All that a tenant has at a position, but for itself. */
export function tenantThen(log: readonly RecordedEvent[], tenantId: string, position: string): TenantThen {
  const then = new Map<string, { readonly standing: Standing; readonly event: RecordedEvent }>();
  for (const event of log) {
    const { stream } = event;
    if (event.position > BigInt(position) || !hasStanding(stream)) continue;
    const standing = evolveStanding(then.get(stream)?.standing, event);
    if (standing) then.set(stream, { standing, event });
  }
  const rows = [...then].flatMap(([stream, { standing, event }]): Row[] => {
    const kind = categoryOf(stream);
    const isTheirs = isThere(stream, standing) && ownerOf(stream, standing) === tenantId && kind !== 'tenant';
    if (!isTheirs) return [];
    return [{ stream, kind, revision: event.revision, state: comparableState(standing.state) }];
  });
  return { position, rows };
}
