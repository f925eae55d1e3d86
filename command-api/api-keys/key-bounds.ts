// What a new key may be: no more than its maker is.

import { DEFAULT_KEY_SCOPES, permissionsBeyond } from '#contracts/permissions.ts';
import { problems } from '#contracts/problems.ts';
import type { ApiKey } from '#events/api-key.ts';
import { type FieldFault, Problem } from '#platform/http/problem.ts';
import type { Caller } from '#platform/http/route.ts';

const bodyFault = (pointer: string, message: string): FieldFault => ({ in: 'body', pointer, message });

/** Throws 403 naming each scope that the caller lacks. */
export function scopesFor(caller: Caller, asked: readonly string[] | undefined): readonly string[] {
  if (asked === undefined) return DEFAULT_KEY_SCOPES.filter((scope) => caller.permissions.has(scope));
  const beyond = permissionsBeyond(asked, caller.permissions);
  if (beyond.length === 0) return asked;
  const errors = beyond.map((scope) => bodyFault(`/scopes/${asked.indexOf(scope)}`, `you lack ${scope} yourself`));
  throw new Problem(problems.forbidden, { detail: 'A key can hold no more than its maker does.', errors });
}

/** Throws 403 naming each model that the caller's own key may not use. */
export function modelsFor(caller: Caller, asked: readonly string[] | undefined): readonly string[] | null {
  const { models } = caller;
  if (models === undefined) return asked ?? null;
  if (asked === undefined) return [...models];
  const errors = asked.flatMap((name, i) =>
    models.includes(name) ? [] : [bodyFault(`/models/${i}`, 'is none of yours')],
  );
  if (errors.length === 0) return asked;
  throw new Problem(problems.forbidden, { detail: 'A key can hold no more than its maker does.', errors });
}

/** The key by which a caller calls; null for a person, whom these do not bound. */
export type OwnKey = Pick<ApiKey, 'expiresAt' | 'requestsPerMinute'> | null;

/** Throws 422 for a time that is over, 403 for one at which the caller's own key is over. */
export function expiryFor(asked: string | undefined, own: OwnKey, now: number): number | null {
  const last = own?.expiresAt ?? null;
  if (asked === undefined) return last;
  const expiresAt = Date.parse(asked);
  if (expiresAt <= now)
    throw new Problem(problems['invalid-request'], { errors: [bodyFault('/expiresAt', 'must be in the future')] });
  if (last === null || expiresAt <= last) return expiresAt;
  const errors = [bodyFault('/expiresAt', 'your own key expires before')];
  throw new Problem(problems.forbidden, { detail: 'A key outlives no key that made it.', errors });
}

/**
 * Throws 403 where a key would give another more requests a minute than it has itself. `everybodys`: of keys for which
 * nothing else was set; undefined where they are not counted.
 */
export function requireLimitWithin(asked: number | null, own: OwnKey, everybodys: number | undefined): void {
  if (own === null) return;
  const most = own.requestsPerMinute ?? everybodys ?? Infinity;
  const given = asked ?? everybodys ?? Infinity;
  if (given <= most) return;
  const errors = [bodyFault('/requestsPerMinute', `yours may send ${most} a minute`)];
  throw new Problem(problems.forbidden, { detail: 'A key cannot set limits beyond its own.', errors });
}

type Bounded = Pick<ApiKey, 'scopes' | 'models'>;

/** Whether the caller could have made a key like this one. */
export const isWithin = (caller: Pick<Caller, 'permissions' | 'models'>, key: Bounded): boolean =>
  permissionsBeyond(key.scopes, caller.permissions).length === 0 && mayUseAll(caller, key);

const mayUseAll = ({ models }: Pick<Caller, 'models'>, key: Bounded): boolean =>
  models === undefined || (key.models !== null && key.models.every((name) => models.includes(name)));

/** Throws 403 unless the caller could have made a key like this one. */
export function requireWithin(caller: Caller, key: Bounded): void {
  const lacking = permissionsBeyond(key.scopes, caller.permissions);
  if (lacking.length > 0)
    throw new Problem(problems.forbidden, { detail: `The key holds what you lack: ${lacking.join(', ')}.` });
  if (!mayUseAll(caller, key))
    throw new Problem(problems.forbidden, { detail: 'The key may use models that yours may not.' });
}
