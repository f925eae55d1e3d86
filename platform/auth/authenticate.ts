// Who is calling. Each request reads the standing of its key and tenant: a revoked key is out at once.

import { LRUCache } from 'lru-cache';
import type { Caller } from '../http/route.ts';
import { type PresentedKey, identifyApiKey, sameHash } from './api-key.ts';

/** What is known of a key; `active` is false once it is revoked or its tenant may not act. */
export interface KeyRecord {
  readonly tenantId: string;
  readonly hash: string;
  readonly permissions: readonly string[];
  readonly active: boolean;
  /** Milliseconds since the epoch; null for never. */
  readonly expiresAt: number | null;
}

export type Authentication =
  { readonly ok: true; readonly caller: Caller } | { readonly ok: false; readonly reason: Refusal };

export type Refusal = 'missing' | 'malformed' | 'unknown' | 'revoked' | 'expired';

const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i;

/** Keys of which the tenant is remembered: it never changes, so that the standings of both can be read at once. */
const MOST_KEYS = 20_000;

/** Answers undefined for a key that was never issued. */
export type KeyLookup = (keyId: string, knownTenantId: string | undefined) => Promise<KeyRecord | undefined>;

/** `everywhere` is the permission whose holders have a part in every tenant. */
export function createAuthenticator(lookup: KeyLookup, everywhere: string) {
  const tenants = new LRUCache<string, string>({ max: MOST_KEYS });
  return async (authorization: string | undefined, now: number): Promise<Authentication> => {
    if (authorization === undefined || authorization === '') return { ok: false, reason: 'missing' };
    const key = BEARER.exec(authorization)?.[1];
    if (key === undefined) return { ok: false, reason: 'malformed' };
    const presented = identifyApiKey(key);
    const record = await lookup(presented.id, tenants.get(presented.id));
    if (record) tenants.set(presented.id, record.tenantId);
    return judge(presented, record, now, everywhere);
  };
}

function judge(
  { id, hash }: PresentedKey,
  record: KeyRecord | undefined,
  now: number,
  everywhere: string,
): Authentication {
  if (!record || !sameHash(record.hash, hash)) return { ok: false, reason: 'unknown' };
  if (!record.active) return { ok: false, reason: 'revoked' };
  if (record.expiresAt !== null && record.expiresAt <= now) return { ok: false, reason: 'expired' };
  const { tenantId } = record;
  const permissions = new Set(record.permissions);
  const permissionsIn = (asked: string) =>
    asked === tenantId || permissions.has(everywhere) ? permissions : undefined;
  return { ok: true, caller: { tenantId, actor: { kind: 'api-key', id }, permissions, permissionsIn } };
}
