import type { Permission } from '#contracts/permissions.ts';
import { type ApiKey, apiKeys } from '#events/api-key.ts';
import { members } from '#events/member.ts';
import { PLATFORM } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import { tenants } from '#events/tenant.ts';
import { users } from '#events/user.ts';
import { identifyApiKey, type PresentedKey, sameHash } from '#platform/auth/api-key.ts';
import { type Authentication, refused } from '#platform/auth/authenticate.ts';
import { suspensionSentence } from '#platform/http/permission.ts';
import type { Caller } from '#platform/http/route.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { heldPermissions } from './held-permissions.ts';

/** Who holds it has a part in every tenant. */
export const EVERYWHERE: Permission = 'platform';

/** What never changes of a key: by it the standings of tenant and maker are read at once with the key's. */
interface Known {
  readonly tenantId: string;
  readonly personId: string | null;
}

/** Answers who calls with an API key. */
export function createKeyCallers(standings: Pick<Standings<Standing>, 'get'>) {
  // As long as the key, or its standing, is remembered, so is what was made of it.
  const known = new WeakMap<PresentedKey, Known>();
  const scopes = new WeakMap<ApiKey, ReadonlySet<string>>();

  const streamsOf = ({ tenantId, personId }: Known): string[] =>
    personId === null
      ? [tenants.stream(tenantId)]
      : [
          tenants.stream(tenantId),
          users.stream(personId),
          members.stream(tenantId, personId),
          members.stream(PLATFORM, personId),
        ];

  /** The key's standing and those around it. */
  async function standingsAround(presented: PresentedKey): Promise<readonly (Standing | undefined)[]> {
    const before = known.get(presented);
    const [key, ...around] = await standings.get([apiKeys.stream(presented.id), ...(before ? streamsOf(before) : [])]);
    if (before || key?.of !== 'apikey') return [key, ...around];
    const { tenantId, personId } = key.state.key;
    known.set(presented, { tenantId, personId });
    return [key, ...(await standings.get(streamsOf({ tenantId, personId })))];
  }

  function scopesOf(key: ApiKey): ReadonlySet<string> {
    const found = scopes.get(key) ?? new Set(key.scopes);
    scopes.set(key, found);
    return found;
  }

  return async (text: string, asked: string | undefined, now: number): Promise<Authentication> => {
    const presented = identifyApiKey(text);
    const { id, hash } = presented;
    const [standing, tenant, user, member, platformMember] = await standingsAround(presented);
    if (standing?.of !== 'apikey' || !sameHash(standing.state.key.hash, hash)) return refused('unknown');
    const { status, key } = standing.state;
    if (status !== 'active') return refused('revoked');
    if (key.expiresAt !== null && key.expiresAt <= now) return refused('expired');
    if (tenant?.of !== 'tenant') return refused('revoked');

    let permissions = scopesOf(key);
    if (key.personId !== null) {
      if (user?.of !== 'user' || user.state.status !== 'active') return refused('revoked');
      // Who is to set a password first holds nothing until then, by whichever credential.
      const held = user.state.user.mustChangePassword ? undefined : heldPermissions(member, platformMember);
      permissions = new Set([...permissions].filter((permission) => held?.has(permission)));
    }
    const everywhere = permissions.has(EVERYWHERE);
    if (tenant.state.status === 'suspended' && !everywhere)
      return refused('suspended', suspensionSentence(tenant.state.reason ?? ''));
    const home = key.tenantId;
    let actsIn: Standing | undefined = tenant;
    if (asked !== undefined && asked !== home) {
      [actsIn] = everywhere ? await standings.get([tenants.stream(asked)]) : [];
      if (actsIn?.of !== 'tenant') return refused('no-part');
    }
    const caller = {
      tenantId: asked ?? home,
      actor: { kind: 'api-key', id },
      holder: home,
      permissions,
      permissionsIn: (tenantId: string) => (tenantId === home || everywhere ? permissions : undefined),
      ...limitsOf(key.requestsPerMinute, actsIn),
    } as const;
    return { ok: true, caller: key.models === null ? caller : { ...caller, models: key.models } };
  };
}

/** Requests a minute, where any were set: of the key, and of the tenant in which the request acts. */
export function limitsOf(own: number | null, tenant: Standing | undefined): Pick<Caller, 'limits'> | undefined {
  const ofTenant = tenant?.of === 'tenant' ? tenant.state.requestsPerMinute : null;
  if (own === null && ofTenant === null) return undefined;
  return { limits: { own: own ?? undefined, tenant: ofTenant ?? undefined } };
}
