// I8: each inference ends, with one result, and the result that was shown is the one that stays.

import type { RecordedEvent } from '#events/envelope.ts';
import { categoryOf } from '#events/streams.ts';
import type { History, Violation } from './history.ts';
import { byStream } from './history-log-checks.ts';

const STATUS_OF: Readonly<Record<string, string>> = {
  InferenceCompleted: 'completed',
  InferenceFailed: 'failed',
  InferenceCancelled: 'cancelled',
};

export function inferenceEnds({ log, requests, reads }: History): Violation[] {
  const faults: Violation[] = [];
  const say = (sentence: string) => faults.push({ invariant: 'I8', sentence });
  const endOf = new Map<string, string>();
  const streams = byStream(log);
  for (const [stream, events] of streams) {
    if (categoryOf(stream) !== 'inference') continue;
    const ends = events.filter(({ type }) => STATUS_OF[type] !== undefined);
    const [first] = ends;
    const asked = askedBy(events);
    if (!first) say(`${stream}${asked} has no result.`);
    if (ends.length > 1)
      say(`${stream}${asked} has ${ends.length} results: ${ends.map(({ type }) => type).join(', ')}.`);
    if (first) endOf.set(stream, STATUS_OF[first.type] ?? '');
  }
  for (const { request, what, seen } of reads)
    for (const one of seen) {
      if (one.shows !== 'revision' || one.status === undefined || !Object.values(STATUS_OF).includes(one.status))
        continue;
      const end = endOf.get(one.stream);
      if (end !== undefined && end !== one.status)
        say(`${what} (request ${request}) showed ${one.stream} as ${one.status}, and it is ${end}.`);
    }
  for (const { request, what, claim, outcome } of requests) {
    if (claim.type !== 'InferenceCancelled' || outcome.as !== 'acknowledged') continue;
    const end = endOf.get(outcome.stream);
    if (end !== undefined && end !== 'cancelled')
      say(`${what} (request ${request}) cancelled ${outcome.stream}, and it is ${end}.`);
  }
  return faults;
}

const askedBy = ([first]: readonly RecordedEvent[]) => (first ? ` (request ${first.metadata.$correlationId})` : '');
