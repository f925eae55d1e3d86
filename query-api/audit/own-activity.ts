// What someone did, as they may see it themselves. People, their sessions and addresses are the platform's, whichever tenant
// knows of them: whoever invites an address and then reads that somebody was made for it knows that it was new to all.

import { logins } from '#events/login.ts';
import { PLATFORM } from '#events/model.ts';
import { sessions } from '#events/session.ts';
import { users } from '#events/user.ts';
import { type AuditFilter, askedTypes } from './audit-filter.ts';

const SESSIONS: ReadonlySet<string> = new Set(Object.keys(sessions.events));
const PEOPLE: ReadonlySet<string> = new Set([users, sessions, logins].flatMap(({ events }) => Object.keys(events)));

/**
 * Filters that find, together and each event once, what a person did: in the tenants of the filter, to their own account,
 * and to their own sessions, which nobody else acts on.
 */
export function ownFilters(filter: AuditFilter, userId: string): AuditFilter[] {
  const ofPlatform = { ...filter, tenants: [PLATFORM] };
  const types = askedTypes(filter);
  const inTenant = filter.tenants?.includes(PLATFORM)
    ? { ...filter, types: types.filter((type) => !PEOPLE.has(type)) }
    : filter;
  return [
    inTenant,
    { ...ofPlatform, stream: users.stream(userId) },
    { ...ofPlatform, types: types.filter((type) => SESSIONS.has(type)) },
  ];
}
