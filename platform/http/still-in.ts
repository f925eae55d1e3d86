// Who waits or reads a stream does so for as long as the credential stands: a key that is revoked or a session that ends
// takes its open requests with it. Ordinary requests, which are over before anyone looks again, cost nothing here: only those
// that wait or stream are watched.

import type { Log } from '../logging/log.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import { type Authenticate, problemOfRefusal } from './authentication.ts';
import { stopWaiting } from './client-signal.ts';
import { type Context, type Middleware, routeOf } from './context.ts';
import { refusalOf } from './permission.ts';
import { type HttpProblems, Problem } from './problem.ts';
import type { Caller } from './route.ts';

export interface StillInOptions {
  readonly authenticate: Authenticate;
  readonly problems: HttpProblems;
  readonly log: Log;
  /** Milliseconds from one look at the standings to the next; 2 s unless named. */
  readonly everyMs?: number;
}

export function stillIn({ authenticate, problems, log, everyMs = 2_000 }: StillInOptions): Middleware {
  const open = new Set<Context>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  const warn = saySeldom((err: unknown) =>
    log.warn({ err, open: open.size }, 'whether the callers of open requests still stand cannot be told now'),
  );

  const watch = (ctx: Context): void => {
    if (ctx.state.caller === undefined) return;
    open.add(ctx);
    timer ??= setInterval(() => void look(), everyMs).unref();
  };

  async function look(): Promise<void> {
    for (const ctx of open) if (ctx.res.closed) open.delete(ctx);
    if (open.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
    if (looking) return;
    looking = true;
    try {
      await Promise.all([...Map.groupBy(open, credentialOf).values()].map(lookAt));
      warn.over();
    } catch (error) {
      warn(error);
    } finally {
      looking = false;
    }
  }

  /** Of one credential, which is looked up once. */
  async function lookAt(all: readonly Context[]): Promise<void> {
    const [first] = all;
    if (first === undefined) return;
    // An access token that was good when it came is: it is the session that must go on.
    const found = await authenticate(first.req, first.state);
    for (const ctx of all) {
      const ended = found.ok
        ? (lossOf(ctx, found.caller) ??
          (await Promise.resolve(refusalOf(ctx, found.caller, problems)).catch(problemOnly)))
        : problemOfRefusal(found, problems);
      if (ended !== undefined) end(ctx, ended);
    }
  }

  /** What anybody may open shows each what they hold: who holds less than then opens it anew. */
  function lossOf(ctx: Context, { permissions }: Caller): Problem | undefined {
    const { caller } = ctx.state;
    if (!routeOf(ctx).anyCaller || caller === undefined || holdsAll(permissions, caller.permissions)) return undefined;
    return new Problem(problems.forbidden, { detail: 'You hold fewer permissions than when this began.' });
  }

  return (ctx, next) => {
    ctx.state.watch = watch;
    return next();
  };
}

const holdsAll = (held: ReadonlySet<string>, wanted: ReadonlySet<string>) =>
  [...wanted].every((permission) => held.has(permission));

const credentialOf = ({ req: { headers } }: Context) => `${headers.authorization}\n${String(headers['x-tenant-id'])}`;

function problemOnly(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

/** Cut, where the answer has begun: nobody must take what they have for the whole. */
function end(ctx: Context, why: Problem): void {
  const wasTold = ctx.state.ended !== undefined;
  ctx.state.ended = why;
  stopWaiting(ctx.res);
  if (ctx.res.headersSent || wasTold) ctx.res.destroy();
}
