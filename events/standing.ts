// The standing of a small, long-lived thing: what a request must know of tenants, keys, models and credentials to be let
// in. It is the state that their events fold into, kept as a document by its stream's name, so that each request reads it
// at once; on a miss the stream itself is folded.

import { type ApiKeyState, evolveApiKey, initialApiKey } from './api-key.ts';
import { type CredentialState, evolveCredential, initialCredential } from './credential.ts';
import type { RecordedEvent } from './envelope.ts';
import { evolveModel, initialModel, type ModelState } from './model.ts';
import { categoryOf } from './streams.ts';
import { evolveTenant, initialTenant, type TenantState } from './tenant.ts';

export type Standing =
  | { readonly of: 'tenant'; readonly state: Exclude<TenantState, { status: 'absent' }> }
  | { readonly of: 'apikey'; readonly state: Exclude<ApiKeyState, { status: 'absent' }> }
  | { readonly of: 'credential'; readonly state: Exclude<CredentialState, { status: 'absent' }> }
  | { readonly of: 'model'; readonly state: Exclude<ModelState, { status: 'absent' }> };

export const STANDING_CATEGORIES: ReadonlySet<string> = new Set(['tenant', 'apikey', 'credential', 'model']);

export const standingKey = (stream: string) => `standing:${stream}`;

/** Folds one event; undefined stands for a stream without events. */
export function evolveStanding(before: Standing | undefined, event: RecordedEvent): Standing | undefined {
  switch (categoryOf(event.stream)) {
    case 'tenant': {
      const state = evolveTenant(before?.of === 'tenant' ? before.state : initialTenant, event);
      return state.status === 'absent' ? before : { of: 'tenant', state };
    }
    case 'apikey': {
      const state = evolveApiKey(before?.of === 'apikey' ? before.state : initialApiKey, event);
      return state.status === 'absent' ? before : { of: 'apikey', state };
    }
    case 'credential': {
      const state = evolveCredential(before?.of === 'credential' ? before.state : initialCredential, event);
      return state.status === 'absent' ? before : { of: 'credential', state };
    }
    case 'model': {
      const state = evolveModel(before?.of === 'model' ? before.state : initialModel, event);
      return state.status === 'absent' ? before : { of: 'model', state };
    }
    default:
      return before;
  }
}

/** The sorted sets that lists are read from. */
export const listOf = {
  tenants: 'list:tenants',
  apiKeys: (tenantId: string) => `list:apikeys:${tenantId}`,
  credentials: (tenantId: string) => `list:credentials:${tenantId}`,
  models: (tenantId: string) => `list:models:${tenantId}`,
};

export interface Listing {
  readonly set: string;
  readonly member: string;
  /** null takes the member out. */
  readonly score: number | null;
}

/** Where a standing is listed: while it lives, by the time of its making. Members are stream names. */
export function listingOf(stream: string, standing: Standing): Listing {
  switch (standing.of) {
    case 'tenant':
      return { set: listOf.tenants, member: stream, score: standing.state.createdAt };
    case 'apikey': {
      const { status, key } = standing.state;
      return { set: listOf.apiKeys(key.tenantId), member: stream, score: status === 'active' ? key.createdAt : null };
    }
    case 'credential': {
      const { status, credential } = standing.state;
      const score = status === 'stored' ? credential.createdAt : null;
      return { set: listOf.credentials(credential.tenantId), member: stream, score };
    }
    case 'model': {
      const { status, model } = standing.state;
      return {
        set: listOf.models(model.owner),
        member: stream,
        score: status === 'registered' ? model.createdAt : null,
      };
    }
  }
}

/** The document that stands for a standing at a revision: written by the projector and, at once, by the command. */
export const standingDocument = (stream: string, revision: number, standing: Standing) => ({
  key: standingKey(stream),
  revision,
  value: standing,
  members: [listingOf(stream, standing)],
});

/** What authentication asks of a key's standing; a key whose tenant may not act is not active. */
export function keyRecordOf(key: Standing | undefined, tenant: Standing | undefined) {
  if (key?.of !== 'apikey') return undefined;
  const { status, key: issued } = key.state;
  const { tenantId, hash, scopes, expiresAt } = issued;
  const active = status === 'active' && tenant?.of === 'tenant' && tenant.state.status === 'active';
  return { tenantId, hash, permissions: scopes, expiresAt, active };
}

export const keyTenantOf = (key: Standing | undefined): string | undefined =>
  key?.of === 'apikey' ? key.state.key.tenantId : undefined;
