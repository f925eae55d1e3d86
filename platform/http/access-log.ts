import { performance } from 'node:perf_hooks';
import { statusSentBeside } from './broken-request.ts';
import { type Context, type Middleware, pathOf } from './context.ts';

/** What is known of one request when it is over: for the access log and the metrics. */
export interface AccessRecord {
  readonly requestId: string;
  readonly method: string;
  /** Without the query, which may hold what people wrote. */
  readonly path: string;
  /** The contract's id, or the mount's. */
  readonly routeId: string | undefined;
  /** 499 when the client left before the answer began. */
  readonly status: number;
  readonly durationMs: number;
  readonly tenantId: string | undefined;
  readonly actorId: string | undefined;
  readonly remoteAddress: string;
  readonly userAgent: string | undefined;
  /** The problem's code, if the answer was one. */
  readonly problem: string | undefined;
  /** The client left, or was cut off, before it had the whole answer. */
  readonly aborted: boolean;
}

export interface AccessLogOptions {
  /** Called once per request, when it begins. */
  readonly onRequest?: (() => void) | undefined;
  /** Called once per request, when its answer has been sent or its client has left. */
  readonly onAnswer: (record: AccessRecord) => void;
}

export const accessLog =
  ({ onRequest, onAnswer }: AccessLogOptions): Middleware =>
  (ctx, next) => {
    const startedAt = performance.now();
    // Asked for while the connection stands: one that has ended has no address any more.
    const { ip } = ctx;
    onRequest?.();
    ctx.res.once('close', () => onAnswer(recordOf(ctx, startedAt, ip)));
    return next();
  };

function recordOf({ req, res, state }: Context, startedAt: number, remoteAddress: string): AccessRecord {
  const sentBeside = statusSentBeside(res);
  return {
    requestId: state.requestId,
    method: req.method ?? '',
    path: pathOf(req.url ?? ''),
    routeId: state.bound?.route.id ?? state.mount,
    status: sentBeside ?? (res.headersSent ? res.statusCode : 499),
    durationMs: performance.now() - startedAt,
    tenantId: state.caller?.tenantId,
    actorId: state.caller?.actor.id,
    remoteAddress,
    userAgent: req.headers['user-agent']?.slice(0, 200),
    problem: state.problem,
    aborted: sentBeside === undefined && !res.writableFinished,
  };
}
