// Which requests are counted, and how many of them are served within a minute: per address before anyone is asked who is
// calling, tighter where one signs in, and per key, person and tenant once that is known; and how many may wait at once.

import { problems } from '#contracts/problems.ts';
import type { Config } from '#platform/config.ts';
import type { Context } from '#platform/http/context.ts';
import { addressGroup } from '#platform/limits/address-group.ts';
import { limitRequests, type Rate } from '#platform/limits/limit-requests.ts';
import type { RateStore } from '#platform/limits/rate-store.ts';
import type { HttpAppParts } from './http-app.ts';

type Limits = Pick<
  Config,
  | 'rateLimitPerAddress'
  | 'loginLimitPerAddress'
  | 'rateLimitPerKey'
  | 'rateLimitPerTenant'
  | 'maxStreamsPerCaller'
  | 'maxStreamsPerTenant'
>;

const problem = problems['too-many-requests'];

export function createRequestLimits(
  store: RateStore,
  limits: Limits,
): Required<Pick<HttpAppParts, 'limitPerAddress' | 'limitPerCaller' | 'heldAtOnce'>> {
  const limit = (ratesOf: (ctx: Context) => readonly Rate[] | undefined) => [
    limitRequests({ store, problem, ratesOf }),
  ];
  return {
    limitPerAddress: limit((ctx) => ratesOfAddress(ctx, limits)),
    limitPerCaller: limit((ctx) => ratesOfCaller(ctx, limits)),
    heldAtOnce: { perCaller: limits.maxStreamsPerCaller, perTenant: limits.maxStreamsPerTenant },
  };
}

/** What is tried there is guessed: passwords, tokens, codes. */
const isSignIn = ({ state: { bound } }: Context) =>
  bound !== undefined &&
  bound.route.method !== 'GET' &&
  ['/v1/auth/', '/v1/me/email'].some((start) => bound.route.path.startsWith(start));

/** What looks whether this process lives must not be told that it asks too often. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);
const isProbe = ({ state: { bound } }: Context) => bound !== undefined && PROBES.has(bound.route.path);

function ratesOfAddress(
  ctx: Context,
  { rateLimitPerAddress: perAddress, loginLimitPerAddress: perLogin }: Limits,
): readonly Rate[] | undefined {
  const signsIn = isSignIn(ctx);
  if ((perAddress === undefined && !signsIn) || isProbe(ctx)) return undefined;
  const group = addressGroup(ctx.ip);
  return [
    ...(perAddress === undefined ? [] : [{ id: `address:${group}`, perMinute: perAddress, who: 'An address' }]),
    ...(signsIn ? [{ id: `sign-in:${group}`, perMinute: perLogin, who: 'For signing in, an address' }] : []),
  ];
}

function ratesOfCaller(
  { state: { caller } }: Context,
  { rateLimitPerKey, rateLimitPerTenant }: Limits,
): readonly Rate[] | undefined {
  if (caller === undefined) return undefined;
  const { actor, tenantId, limits } = caller;
  const own = limits?.own ?? rateLimitPerKey;
  const ofTenant = limits?.tenant ?? rateLimitPerTenant;
  if (own === undefined && ofTenant === undefined) return undefined;
  const who = actor.kind === 'user' ? 'A person' : 'This key';
  return [
    ...(own === undefined ? [] : [{ id: `${actor.kind}:${actor.id}`, perMinute: own, who }]),
    ...(ofTenant === undefined
      ? []
      : [{ id: `tenant:${tenantId}`, perMinute: ofTenant, who: 'All of this tenant together' }]),
  ];
}
