// How stored things look at the border: pure, from plain data, so that both APIs show the same.

import type { ApiKeyView } from './api-keys.ts';
import type { CredentialView } from './credentials.ts';
import type { ModelGrantsView } from './model-grants.ts';
import type { ModelView } from './models.ts';
import type { Language } from './people.ts';
import type { Permission, Role } from './permissions.ts';
import type { TenantView } from './tenants.ts';
import type { UserView } from './users.ts';

export const isoTime = (ms: number) => new Date(ms).toISOString();

export interface StoredTenant {
  readonly status: 'active' | 'suspended';
  readonly name: string;
  readonly createdAt: number;
  readonly reason: string | null;
  readonly requestsPerMinute: number | null;
}

export const viewTenant = (id: string, tenant: StoredTenant): TenantView => ({
  id,
  object: 'tenant',
  name: tenant.name,
  status: tenant.status,
  reason: tenant.reason,
  limits: { requestsPerMinute: tenant.requestsPerMinute },
  createdAt: isoTime(tenant.createdAt),
});

export interface StoredApiKey extends Pick<ApiKeyView, 'createdBy' | 'personId' | 'successor' | 'name' | 'last4'> {
  readonly tenantId: string;
  readonly scopes: readonly string[];
  readonly models: readonly string[] | null;
  readonly expiresAt: number | null;
  readonly requestsPerMinute: number | null;
  readonly createdAt: number;
}

/** Both in milliseconds since the epoch; `lastUsedAt` is not known to commands. */
export interface ApiKeyTimes {
  readonly now: number;
  readonly lastUsedAt?: number | undefined;
}

export function viewApiKey(
  id: string,
  key: StoredApiKey,
  revoked: boolean,
  { now, lastUsedAt }: ApiKeyTimes,
): ApiKeyView {
  const expired = key.expiresAt !== null && key.expiresAt <= now;
  return {
    id,
    object: 'api_key',
    tenantId: key.tenantId,
    name: key.name,
    last4: key.last4,
    scopes: key.scopes as Permission[],
    models: key.models && [...key.models],
    status: revoked ? 'revoked' : expired ? 'expired' : 'active',
    expiresAt: key.expiresAt === null ? null : isoTime(key.expiresAt),
    limits: { requestsPerMinute: key.requestsPerMinute },
    createdAt: isoTime(key.createdAt),
    createdBy: { kind: key.createdBy.kind, id: key.createdBy.id },
    personId: key.personId,
    successor: key.successor,
    lastUsedAt: lastUsedAt === undefined ? null : isoTime(lastUsedAt),
  };
}

export interface StoredCredential extends Readonly<Pick<CredentialView, 'name' | 'kind' | 'last4' | 'environment'>> {
  readonly createdAt: number;
}

export const viewCredential = (id: string, credential: StoredCredential): CredentialView => ({
  id,
  object: 'credential',
  name: credential.name,
  kind: credential.kind,
  last4: credential.last4,
  environment: credential.environment,
  createdAt: isoTime(credential.createdAt),
});

export interface StoredUser {
  readonly status: UserView['status'];
  readonly language: string;
  readonly createdAt: number;
  /** Opened. */
  readonly email: string;
  readonly name: string | null;
}

export interface StoredMembership {
  readonly status: 'offered' | 'active' | 'revoked';
  readonly role: string;
  readonly offer: { readonly expiresAt: number } | null;
  readonly since: number;
  readonly language: string;
  /** Opened, as whoever invited them gave them. */
  readonly email: string;
  readonly name: string | null;
}

/**
 * Whether someone is shown as who invited them knows them: who else knows of them, and whether they have an account, is
 * not told by inviting an address. `seesAll`: to who sees everyone.
 */
const isAsInvited = (membership: Pick<StoredMembership, 'status'> | undefined, seesAll: boolean): boolean =>
  membership?.status === 'offered' && !seesAll;

/** What the answer's entity tag counts: what is done to the membership, and to the person where they are shown. */
export const revisionOfUser = (
  user: number,
  membership: { readonly status: StoredMembership['status']; readonly revision: number } | undefined,
  seesAll: boolean,
): number => (membership?.revision ?? 0) + (isAsInvited(membership, seesAll) ? 0 : user);

/** A person as a tenant sees them, by their membership there, if there is one. */
export function viewUser(
  id: string,
  user: StoredUser,
  membership: StoredMembership | undefined,
  seesAll: boolean,
): UserView {
  const { email, name, status, language, createdAt } = user;
  const person = { id, object: 'user' } as const;
  const own = { email, name, status, language: language as Language, createdAt: isoTime(createdAt) };
  if (membership === undefined || membership.status === 'revoked')
    return { ...person, ...own, role: null, membership: null, invitationExpiresAt: null };
  const { role, offer, since } = membership;
  const invitationExpiresAt = offer ? isoTime(offer.expiresAt) : null;
  const part = { role: role as Role, membership: membership.status, invitationExpiresAt };
  if (!isAsInvited(membership, seesAll)) return { ...person, ...own, ...part };
  const said = { email: membership.email, name: membership.name, language: membership.language as Language };
  return { ...person, ...said, ...part, status: 'invited', createdAt: isoTime(since) };
}

type Parameter = ModelView['parameters'][number];
type Definition = Pick<
  ModelView,
  'description' | 'task' | 'runtime' | 'upstreamModel' | 'credentialId' | 'anyParameter' | 'maxInputChars' | 'timeoutMs'
>;

/** Values of parameters are JSON text. */
export interface StoredModel {
  readonly owner: string;
  /** Of what the viewer's tenant has said of the name; null for nothing. */
  readonly revision: number | null;
  readonly createdAt: number;
  readonly defaults: Readonly<Record<string, string>>;
  readonly definition: Readonly<Definition> & {
    readonly name: string;
    readonly source: string;
    readonly parameters: readonly (Readonly<Omit<Parameter, 'default'>> & { readonly default: string | null })[];
  };
}

const parsed = (text: string) => JSON.parse(text) as Parameter['default'];

/** Where a model comes from and what opens it is shown to its owner only. */
export function viewModel(
  { owner, revision, createdAt, defaults, definition }: StoredModel,
  viewer: string,
): ModelView {
  const { name, description, task, runtime, anyParameter, maxInputChars, timeoutMs } = definition;
  const parameters = definition.parameters.map((parameter) => ({
    ...parameter,
    default: parameter.default === null ? null : parsed(parameter.default),
  }));
  const applied: Record<string, unknown> = {};
  for (const { name, default: value } of parameters) if (value !== null) applied[name] = value;
  for (const [name, text] of Object.entries(defaults)) applied[name] = parsed(text);
  const own = owner === viewer;
  return {
    id: name,
    object: 'model',
    created: Math.floor(createdAt / 1_000),
    owned_by: owner,
    description,
    task,
    runtime,
    parameters,
    anyParameter,
    defaults: applied,
    maxInputChars,
    timeoutMs,
    source: own ? definition.source : null,
    upstreamModel: own ? definition.upstreamModel : null,
    credentialId: own ? definition.credentialId : null,
    revision,
  };
}

export const viewModelGrants = (model: string, grantedTo: readonly string[]): ModelGrantsView => ({
  object: 'model_grants',
  model,
  tenants: [...grantedTo],
});
