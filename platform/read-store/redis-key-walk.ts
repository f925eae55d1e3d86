// Goes through the keys of a read store in Redis in small steps, none of which holds up the server.

import type { Redis } from 'ioredis';
import { asError } from '../errors.ts';

/** Keys that the server looks at in one step: some hundred microseconds. */
const STEP = 1_000;

/** Where a walk stands: only for the very process of the server that gave it, for the order is another in the next. */
interface Place {
  readonly run: string;
  readonly cursor: string;
}

export interface Step {
  readonly keys: readonly string[];
  /** Where it goes on; undefined: all has been seen. */
  readonly next: string | undefined;
}

/** `place` is what the step before gave; after a restart of the server the walk begins anew. */
export async function walkKeys(redis: Redis, pattern: string, most: number, place: string | undefined): Promise<Step> {
  const from = place === undefined ? undefined : parsePlace(place);
  const count = Math.min(STEP, Math.max(10, most));
  // On one connection, so of one process.
  const answers = await redis
    .multi()
    .info('server')
    .scan(from?.cursor ?? '0', 'MATCH', pattern, 'COUNT', count)
    .exec();
  const [info, scanned] = (answers ?? []).map(([error, answer]) => {
    if (error) throw asError(error);
    return answer;
  });
  const run = /^run_id:(\w+)/m.exec(String(info))?.[1] ?? '';
  const [cursor, keys] = scanned as [string, string[]];
  if (from && from.run !== run) return { keys: [], next: `${run}:0` };
  return { keys, next: cursor === '0' ? undefined : `${run}:${cursor}` };
}

function parsePlace(place: string): Place {
  const at = place.indexOf(':');
  return { run: place.slice(0, at), cursor: place.slice(at + 1) };
}

/** As a pattern of Redis takes it literally. */
export const literally = (text: string): string => text.replaceAll(/[\\*?[\]^-]/g, '\\$&');
