// People's credential, by koa-jwt: a JSON Web Token whose algorithm, issuer and audience are pinned, and whose key is the one
// that its `kid` names. A signature is checked once; what it said is remembered until the token expires.

import { hash } from 'node:crypto';
import koaJwt from 'koa-jwt';
import { LRUCache } from 'lru-cache';
import { type AccessKeys, CLOCK_LEEWAY_MS } from '../auth/access-keys.ts';
import { type AccessClaims, ALGORITHM, claimsOf, ISSUER } from '../auth/access-token.ts';
import { type Middleware, routeOf } from './context.ts';

/** As a token is written (RFC 7515, section 7.1); API keys have no dots where they are ours. */
const BEARER = /^Bearer (eyJ[\w-]*\.[\w-]+\.[\w-]*)$/i;
const MOST_REMEMBERED = 20_000;

/** koa-jwt hands all its options on to jsonwebtoken, but its types do not know this one, nor a key that is a KeyObject. */
type Options = koaJwt.Options & { readonly clockTolerance: number };

/**
 * Says in `ctx.state.token` what a valid access token says; `authentication` refuses what is none. Requests with an API key
 * pass by.
 */
export function accessTokens(keys: AccessKeys): Middleware {
  const remembered = new LRUCache<string, AccessClaims>({ max: MOST_REMEMBERED, ttlResolution: 1_000 });
  const keyOf = async ({ kid }: { readonly kid?: unknown }) => {
    const key = typeof kid === 'string' ? keys.keyOf(kid, Date.now()) : undefined;
    if (key === undefined) throw new Error('the token names no key of ours');
    return key as unknown as Buffer;
  };
  const options: Options = {
    secret: keyOf,
    algorithms: [ALGORITHM],
    issuer: ISSUER,
    audience: ISSUER,
    clockTolerance: CLOCK_LEEWAY_MS / 1_000,
    // What is wrong with a token is said by `authentication`, and on a route that takes strangers too, nothing is.
    passthrough: true,
    key: 'tokenPayload',
  };
  const verify = koaJwt(options) as Middleware;

  return (ctx, next) => {
    const { authorization } = ctx.req.headers;
    const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
    if (token === undefined || asksNobody(routeOf(ctx))) return next();
    ctx.state.tokenSent = true;
    const digest = hash('sha256', token, 'base64');
    const known = remembered.get(digest);
    if (known !== undefined) {
      ctx.state.token = known;
      return next();
    }
    return verify(ctx, () => {
      const { tokenPayload } = ctx.state;
      const claims = tokenPayload === undefined ? undefined : claimsOf(tokenPayload);
      if (claims !== undefined) {
        ctx.state.token = claims;
        const ttl = claims.expiresAt + CLOCK_LEEWAY_MS - Date.now();
        if (ttl >= 1) remembered.set(digest, claims, { ttl });
      }
      return next();
    });
  };
}

const asksNobody = (route: { readonly public?: true; readonly callerIfAny?: true }) =>
  route.public === true && route.callerIfAny !== true;
