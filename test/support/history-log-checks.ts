// I1: every acknowledged append is in the log exactly once, streams without gaps, positions strictly increasing.
// I2: an unacknowledged append is there once or not at all, and its retry never makes two.

import { isDeepStrictEqual } from 'node:util';
import type { RecordedEvent } from '#events/envelope.ts';
import type { Claim, History, SentRequest, Violation } from './history.ts';

type Log = readonly RecordedEvent[];

const I1 = (sentence: string): Violation => ({ invariant: 'I1', sentence });
const I2 = (sentence: string): Violation => ({ invariant: 'I2', sentence });

export function byStream(log: Log): ReadonlyMap<string, readonly RecordedEvent[]> {
  const streams = new Map<string, RecordedEvent[]>();
  for (const event of log) {
    const of = streams.get(event.stream);
    if (of) of.push(event);
    else streams.set(event.stream, [event]);
  }
  return streams;
}

export function logOrder(log: Log): Violation[] {
  const faults: Violation[] = [];
  const ids = new Map<string, RecordedEvent>();
  let before: RecordedEvent | undefined;
  for (const event of log) {
    if (before && event.position <= before.position)
      faults.push(I1(`position ${event.position} of ${event.stream} comes after position ${before.position}.`));
    before = event;
    const twin = ids.get(event.id);
    if (twin) faults.push(I1(`event ${event.id} is in the log twice: ${nameOf(twin)} and ${nameOf(event)}.`));
    ids.set(event.id, event);
  }
  for (const [stream, events] of byStream(log)) {
    const at = events.findIndex(({ revision }, i) => revision !== i);
    if (at >= 0) faults.push(I1(`${stream} has revision ${events[at]?.revision} where ${at} should be.`));
  }
  return faults;
}

/** What each command did to the log, against what its requests were told. */
export function requestEffects({ log, requests }: History): Violation[] {
  const streams = byStream(log);
  const effects = new Map<string, RecordedEvent[]>();
  // What Defter does for a request later (a result) has the request's correlation id too, but Defter as its actor.
  for (const event of log) {
    // Reads that were answered are looked at by themselves; others may have left their record too.
    if (event.metadata.actor.kind === 'system' || event.type === 'AuditRead') continue;
    const { $correlationId: request } = event.metadata;
    effects.set(request, [...(effects.get(request) ?? []), event]);
  }
  const sent = new Set(requests.map(({ request }) => request));
  const unasked = [...effects].filter(([request]) => !sent.has(request)).flatMap(([, events]) => events);
  return [
    ...unasked.map((event) => I2(`${nameOf(event)} is in the log and no request asked for it.`)),
    ...[...Map.groupBy(requests, ({ command }) => command).values()].flatMap((tries) =>
      commandEffects(tries, (request) => ownEvents(effects.get(request.request) ?? [], request.claim), streams),
    ),
  ];
}

/** A tenant's creation writes the claim of its name as well: only what the request is for is counted. */
const ownEvents = (events: readonly RecordedEvent[], { type }: Claim) => events.filter((event) => event.type === type);

function commandEffects(
  tries: readonly SentRequest[],
  eventsOf: (request: SentRequest) => readonly RecordedEvent[],
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
): Violation[] {
  const written = tries.flatMap((request) => eventsOf(request).map((event) => ({ request, event })));
  const acknowledged = tries.filter(({ outcome }) => outcome.as === 'acknowledged');
  const [only] = tries;
  if (!only) return [];
  const faults: Violation[] = [];
  if (written.length > 1) {
    const places = written.map(({ event }) => nameOf(event)).join(' and ');
    const name = nameRequests(tries);
    // Two events of one id are a fault of the log, which is told by itself.
    if (new Set(written.map(({ event }) => event.id)).size > 1)
      faults.push(
        tries.length === 1 && acknowledged.length === 1
          ? I1(`${name} was acknowledged once and made ${places}.`)
          : I2(`${name} made ${places}.`),
      );
  }
  for (const request of tries) {
    if (request.outcome.as === 'refused') {
      const [event] = eventsOf(request);
      if (event)
        faults.push(
          I2(`${nameRequests([request])} was refused with ${request.outcome.status} and made ${nameOf(event)}.`),
        );
      if (
        request.outcome.code === 'idempotency-key-reused' &&
        !written.some((one) => one.request.body !== request.body)
      )
        faults.push(I2(`${nameRequests([request])} was told that its key was used, but no other body is in the log.`));
    }
  }
  if (new Set(acknowledged.map(({ body }) => body)).size > 1)
    faults.push(I2(`${nameRequests(acknowledged)} were acknowledged with one key and different bodies.`));
  for (const request of acknowledged) {
    const ofBody = written.filter((one) => one.request.body === request.body).map(({ event }) => event);
    const fault = acknowledgedFault(request, ofBody, streams);
    if (fault) faults.push(I1(fault));
  }
  return faults;
}

/** `own`: events of this command with this request's body. */
function acknowledgedFault(
  request: SentRequest,
  own: readonly RecordedEvent[],
  streams: ReadonlyMap<string, readonly RecordedEvent[]>,
): string | undefined {
  if (request.outcome.as !== 'acknowledged') return undefined;
  const { claim, mayChangeNothing } = request;
  const { stream, revision } = request.outcome;
  const name = nameRequests([request]);
  const events = (streams.get(stream) ?? []).filter((event) => event.revision <= revision);
  if (!events.some((event) => event.revision === revision))
    return `${name} was acknowledged as revision ${revision} of ${stream}, which is not in the log.`;
  const matching = events.filter((event) => isClaimed(event, claim));
  if (matching.length === 0)
    return `${name} was acknowledged as revision ${revision} of ${stream}, which has no such ${claim.type} up to there.`;
  if (mayChangeNothing && own.length === 0) return undefined;
  if (own.length === 0) return `${name} was acknowledged, and ${stream} has no event of it.`;
  // That there are several is told of the whole command.
  const elsewhere = own.length === 1 ? own.find((event) => !matching.includes(event)) : undefined;
  return elsewhere && `${name} was acknowledged as revision ${revision} of ${stream} and made ${nameOf(elsewhere)}.`;
}

function isClaimed(event: RecordedEvent, { type, where }: Claim): boolean {
  if (event.type !== type) return false;
  const data = event.data as Readonly<Record<string, unknown>>;
  return Object.entries(where).every(([member, value]) => isDeepStrictEqual(data[member], value));
}

export const nameOf = ({ type, stream, revision }: RecordedEvent) => `${type} at revision ${revision} of ${stream}`;

const nameRequests = (requests: readonly SentRequest[]) =>
  `${requests[0]?.what ?? 'nothing'} (request ${requests.map(({ request }) => request).join(', ')})`;
