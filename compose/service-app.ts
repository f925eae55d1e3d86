// The HTTP face of a process: routes of either API, who may call them, and what operators ask.

import { createRequire } from 'node:module';
import { allRoutes } from '#contracts/all-routes.ts';
import { createOpenapi } from '#contracts/openapi.ts';
import { problems } from '#contracts/problems.ts';
import type { Standing } from '#events/standing.ts';
import type { KeyUses } from '#platform/auth/key-uses.ts';
import { createDocsRoutes } from '#platform/http/docs-page.ts';
import type { AccessRecord } from '#platform/http/access-log.ts';
import { authentication } from '#platform/http/authentication.ts';
import { createOpsRoutes, type ReadinessCheck } from '#platform/http/ops-routes.ts';
import type { Middleware } from '#platform/http/context.ts';
import { Problem } from '#platform/http/problem.ts';
import { anyQuery, type BoundRoute, bindRoute } from '#platform/http/route.ts';
import { stillIn } from '#platform/http/still-in.ts';
import type { Logging } from '#platform/logging/open-logging.ts';
import type { HttpMetrics } from '#platform/metrics/http-metrics.ts';
import type { MetricsCollection } from '#platform/metrics/metrics-collection.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { problemOf } from '../command-api/problem-of.ts';
import { createHttpApp, type HttpAppParts } from './http-app.ts';
import { createAuthenticator } from './authenticator.ts';

const VERSION = (createRequire(import.meta.url)('../package.json') as { readonly version: string }).version;

export interface ServiceAppParts extends Pick<
  HttpAppParts,
  'trustProxy' | 'mounts' | 'limitPerAddress' | 'limitPerCaller' | 'heldAtOnce'
> {
  readonly routes: readonly BoundRoute[];
  readonly standings: Pick<Standings<Standing>, 'get'>;
  /** What reads access tokens: `accessTokens(…)`, loaded by those alone who take requests. */
  readonly accessTokens: Middleware;
  readonly keyUses: Pick<KeyUses, 'note'>;
  readonly logging: Pick<Logging, 'log' | 'access'>;
  readonly httpMetrics: HttpMetrics;
  readonly checkAnswers: boolean;
}

export function createServiceApp(parts: ServiceAppParts) {
  const { standings, accessTokens, keyUses, logging, httpMetrics, ...given } = parts;
  requireAllBound(given.routes);
  const authenticate = createAuthenticator(standings);
  const { log } = logging;
  return createHttpApp({
    ...given,
    authentication: [accessTokens, authentication(authenticate, problems), stillIn({ authenticate, problems, log })],
    noteCaller: ({ actor }) => {
      if (actor.kind === 'api-key') keyUses.note(actor.id);
    },
    log,
    access: {
      onRequest: () => httpMetrics.opened(),
      onAnswer: (record) => {
        logging.access.write(accessLogged(record));
        httpMetrics.closed();
        httpMetrics.answered(record.method, record.routeId ?? 'none', record.status, record.durationMs / 1_000);
      },
    },
    translate: problemOf,
  });
}

/** Whichever API a process serves, each contract is answered: by its handler, or by who says where it is answered. */
export function requireAllBound(routes: readonly BoundRoute[]): void {
  const bound = new Set(routes.map(({ route }) => route.id));
  const missing = allRoutes.filter(({ id }) => !bound.has(id)).map(({ id }) => id);
  if (missing.length > 0) throw new Error(`no handler is bound to ${missing.join(', ')}`);
}

/**
 * The routes of the API that this process does not serve. They have the same methods wherever one asks, and whoever was
 * sent here by mistake is told (RFC 9110, section 15.5.20).
 */
export const createMisdirected = (side: 'command' | 'query'): BoundRoute[] =>
  allRoutes
    .filter((route) => route.side !== side)
    .map(({ id, method, path, slashes }) =>
      bindRoute({ id, method, path, query: anyQuery, public: true, ...(slashes !== undefined && { slashes }) }, () => {
        const detail = `This is the ${side} API: ${method} ${path} is answered by the other one.`;
        throw new Problem(problems.misdirected, { detail });
      }),
    );

/** `/docs` and `/openapi.json`. */
export const createDocumentation = (): BoundRoute[] =>
  createDocsRoutes({ openapi: createOpenapi(allRoutes, { version: VERSION }), title: 'Defter', problems });

export interface OperationsParts {
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  readonly lags?: Readonly<Record<string, () => Promise<number>>>;
  readonly metrics: MetricsCollection;
  readonly metricsToken: string | undefined;
}

/** `/healthz`, `/readyz` and `/metrics`. */
export const createOperations = ({ checks, lags, metrics, metricsToken }: OperationsParts): BoundRoute[] =>
  createOpsRoutes({
    checks,
    ...(lags && { lags }),
    metrics: async () => {
      const { contentType, body } = await metrics.scrape();
      return { contentType, text: body };
    },
    metricsToken,
    problems,
  });

/** The operators' routes on a port of their own, from the first moment on. */
export const createOperationsApp = (parts: OperationsParts, logging: Pick<Logging, 'log'>) =>
  createHttpApp({
    routes: createOperations(parts),
    authentication: authentication(() => ({ ok: false, reason: 'unknown' }), problems),
    log: logging.log,
  });

const accessLogged = ({ routeId, requestId, actorId, aborted, ...record }: AccessRecord) => ({
  ...record,
  route: routeId,
  correlationId: requestId,
  ...(actorId !== undefined && { actor: actorId }),
  ...(aborted && { aborted }),
});
