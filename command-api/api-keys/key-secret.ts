// The secret of a new key. Where the request has an Idempotency-Key it is derived, so that it can be shown again: for ten
// minutes, to who asked for it.

import { createHmac, type KeyObject, randomBytes } from 'node:crypto';
import type { ApiKey } from '#events/api-key.ts';
import { createApiKey } from '#platform/auth/api-key.ts';
import type { Caller } from '#platform/http/route.ts';
import type { CommandOrigin } from '../origin.ts';
import type { Done } from '../run-command.ts';

const SHOWN_AGAIN_MS = 600_000;

export function createKeySecret(secret: KeyObject, id: string, { repeatable, eventId }: CommandOrigin): string {
  const bytes = repeatable ? createHmac('sha256', secret).update(`api-key:${eventId}`).digest() : randomBytes(32);
  return createApiKey(id, bytes);
}

/** The key to answer with; null where it is not shown any more. */
export function shownKey(
  key: string,
  issued: ApiKey,
  { actor }: Caller,
  { outcome }: Pick<Done<unknown>, 'outcome'>,
  now: number,
): string | null {
  if (outcome !== 'replayed') return key;
  const { createdBy, createdAt } = issued;
  const isSame = createdBy.kind === actor.kind && createdBy.id === actor.id;
  return isSame && now - createdAt < SHOWN_AGAIN_MS ? key : null;
}
