// Who may do what: the one permission table, read by the APIs, the tests and the dashboard's menu.
// An API key's scopes are permissions; a key can hold no more than the caller who made it.

import { z } from 'zod';

export const PERMISSIONS = [
  'inference:write',
  'inference:read',
  'models:write',
  'models:read',
  'keys:write',
  'keys:read',
  'credentials:write',
  'credentials:read',
  'users:write',
  'users:read',
  'tenants:write',
  'tenants:read',
  'audit:read',
  'operations:write',
  'operations:read',
  'platform',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

export const permissionSchema = z.enum(PERMISSIONS);

/** What a person may be in a tenant; `platform-admin` is the one role in the tenant `platform`, and is in no other. */
export const ROLES = ['platform-admin', 'admin', 'member', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

export const roleSchema = z.enum(ROLES);

const VIEWER: readonly Permission[] = ['inference:read', 'models:read'];
const MEMBER: readonly Permission[] = [...VIEWER, 'inference:write'];
const ADMIN: readonly Permission[] = [
  ...MEMBER,
  'models:write',
  'keys:write',
  'keys:read',
  'credentials:write',
  'credentials:read',
  'users:write',
  'users:read',
  'tenants:write',
  'tenants:read',
  'audit:read',
  'operations:read',
];

/** `platform` reaches beyond one tenant: it creates tenants, sees all of them and issues keys for any. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  'platform-admin': PERMISSIONS,
  admin: ADMIN,
  member: MEMBER,
  viewer: VIEWER,
};

/** What an API key may do when its maker names no scopes: submit work and read it. */
export const DEFAULT_KEY_SCOPES: readonly Permission[] = MEMBER;

/** Permissions that `scopes` names but `held` lacks, in table order. */
export function permissionsBeyond(scopes: Iterable<string>, held: ReadonlySet<string>): string[] {
  const wanted = new Set(scopes);
  const known = PERMISSIONS.filter((permission) => wanted.has(permission) && !held.has(permission));
  const unknown = [...wanted].filter((scope) => !(PERMISSIONS as readonly string[]).includes(scope));
  return [...known, ...unknown];
}
