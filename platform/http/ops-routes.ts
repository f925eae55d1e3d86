// What an orchestrator and a metrics collector ask of each service. Without credentials: they answer with nothing of
// anyone's.

import { createHash, timingSafeEqual } from 'node:crypto';
import { type HttpProblems, Problem } from './problem.ts';
import { anyQuery, type BoundRoute, bindRoute, type HttpRequest } from './route.ts';
import { asError } from '../errors.ts';
import { atMost } from '../patience/within.ts';

/** Resolves when this part is ready to serve; rejects with a message that an operator may read. */
export type ReadinessCheck = () => Promise<void> | void;

export interface OpsOptions {
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  /** Events that are still before a consumer group; told, and no reason not to be ready. */
  readonly lags?: Readonly<Record<string, () => Promise<number>>>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Without it metrics are for callers on this machine only. */
  readonly metricsToken?: string | undefined;
  readonly problems: HttpProblems;
  /** A check that takes longer counts as failed; 2 s unless named. */
  readonly checkTimeoutMs?: number;
}

const NO_STORE = { 'cache-control': 'no-store' };

export function createOpsRoutes(options: OpsOptions): BoundRoute[] {
  const { checks, lags = {}, metrics, metricsToken, problems, checkTimeoutMs = 2_000 } = options;
  const healthz = { id: 'healthz', method: 'GET', path: '/healthz', query: anyQuery, public: true } as const;
  const readyz = { id: 'readyz', method: 'GET', path: '/readyz', query: anyQuery, public: true } as const;
  const metricsRoute = { id: 'metrics', method: 'GET', path: '/metrics', query: anyQuery, public: true } as const;
  return [
    bindRoute(healthz, () => ({ status: 200, headers: NO_STORE, body: { status: 'alive' } })),
    bindRoute(readyz, async () => {
      const results = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => [name, await outcomeOf(check, checkTimeoutMs)] as const),
      );
      const ready = results.every(([, outcome]) => outcome === 'ready');
      const lag = await lagOf(lags, checkTimeoutMs);
      const body = { status: ready ? 'ready' : 'not ready', checks: Object.fromEntries(results), ...(lag && { lag }) };
      return { status: ready ? 200 : 503, headers: ready ? NO_STORE : { ...NO_STORE, 'retry-after': '1' }, body };
    }),
    bindRoute(metricsRoute, async (request) => {
      requireMetricsReader(request, metricsToken, problems);
      const { contentType, text } = await metrics();
      return { status: 200, headers: { ...NO_STORE, 'content-type': contentType }, bytes: text };
    }),
  ];
}

/** What cannot be told in time is null; undefined where no group is asked. */
async function lagOf(lags: NonNullable<OpsOptions['lags']>, timeoutMs: number) {
  const groups = Object.entries(lags);
  if (groups.length === 0) return undefined;
  const told = groups.map(async ([group, lag]) => {
    let events: number | null = null;
    await outcomeOf(async () => void (events = await lag()), timeoutMs);
    return [group, events] as const;
  });
  return Object.fromEntries(await Promise.all(told));
}

async function outcomeOf(check: ReadinessCheck, timeoutMs: number): Promise<string> {
  const work = async () => {
    await check();
    return 'ready';
  };
  const outcome = await atMost(timeoutMs, work()).catch((error: unknown) => asError(error).message);
  return outcome ?? `no answer within ${timeoutMs} ms`;
}

function requireMetricsReader(request: HttpRequest, token: string | undefined, problems: HttpProblems): void {
  if (token === undefined) {
    if (isLoopback(request.remoteAddress) && request.headers['x-forwarded-for'] === undefined) return;
    throw new Problem(problems.forbidden, {
      detail: 'Metrics are for callers on this machine; set METRICS_TOKEN for others.',
    });
  }
  const sent = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (timingSafeEqual(digest(sent), digest(token))) return;
  throw new Problem(problems.unauthorized, {
    detail: 'Send the metrics token: Authorization: Bearer …',
    headers: { 'www-authenticate': 'Bearer' },
  });
}

const digest = (text: string) => createHash('sha256').update(text).digest();

const isLoopback = (address: string) => address === '::1' || /^(?:::ffff:)?127\./.test(address);
