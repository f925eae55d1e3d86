import koaHelmet from 'koa-helmet';
import type { Middleware } from './context.ts';

/**
 * What means something on an answer that no browser shows (OWASP REST security cheat sheet). A page brings a
 * `content-security-policy` and a `cache-control` of its own.
 */
export function securityHeaders(): Middleware {
  const helmet = koaHelmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    crossOriginOpenerPolicy: false,
    crossOriginResourcePolicy: false,
    originAgentCluster: false,
    referrerPolicy: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xPoweredBy: false,
    xXssProtection: false,
  });
  return (ctx, next) => {
    ctx.res.setHeader('cache-control', 'no-store');
    return helmet(ctx, next);
  };
}
