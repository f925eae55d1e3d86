// What can go wrong with a Redis server, as the ports tell it.

import { transientError } from '../errors.ts';

/** The server cannot be reached, or cannot work now; whether a write that was on its way happened is not known. */
export class RedisUnavailable extends transientError('redis-unavailable') {}

/** The first word of what the server answered instead of a result; undefined when it did not answer. */
export function answeredCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  return error.message.split(' ', 1)[0];
}

/**
 * Answers that say something of the server's state, not of what was asked: it is loading, has become a replica, is out of
 * memory, cannot write its file, runs a long script, or a cluster or credentials are being changed (those that were wrong
 * from the start are told then).
 */
const PASSING =
  /^(?:LOADING|READONLY|MASTERDOWN|NOREPLICAS|OOM|MISCONF|BUSY|UNBLOCKED|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOAUTH|WRONGPASS|NOPERM)$/;

/** Whether the server understood what was asked and will never do it. */
export function isRefusal(error: unknown): boolean {
  const code = answeredCode(error);
  return code !== undefined && !PASSING.test(code);
}

const CREDENTIALS = /^(?:NOAUTH|WRONGPASS|NOPERM|ERR (?:invalid password|AUTH |Client sent AUTH))/;

export const isAboutCredentials = (error: unknown): boolean =>
  error instanceof Error && CREDENTIALS.test(error.message);
