// given(past events).when(decide).thenEvents(events): the specification of a decider.

import { expect } from 'chai';
import type { Origin } from '#events/create-event.ts';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';

export const ORIGIN: Origin = {
  eventId: '018f0000-0000-7000-8000-000000000001',
  commandId: '018f0000-0000-7000-8000-000000000002',
  tenantId: 'acme',
  actor: { kind: 'api-key', id: 'k1' },
  correlationId: 'request-1',
};

/** A recorded event as the store would return it. */
export const recorded = (event: NewEvent, stream: string, revision: number, recordedAt = 1_000): RecordedEvent => ({
  ...event,
  stream,
  revision,
  position: BigInt(revision + 1),
  recordedAt,
});

export function given<State>(
  decider: { readonly initial: State; readonly evolve: (state: State, event: RecordedEvent) => State },
  stream: string,
  past: readonly NewEvent[] = [],
) {
  const fold = (events: readonly NewEvent[]) =>
    events.map((event, i) => recorded(event, stream, i)).reduce(decider.evolve, decider.initial);
  const state = fold(past);
  return {
    state,
    when<Outcome>(decide: (state: State) => readonly NewEvent[] | Outcome) {
      const outcome = decide(state);
      return {
        thenEvents(...expected: readonly { type: string; data?: unknown }[]) {
          expect(outcome).to.be.an('array');
          const events = outcome as readonly NewEvent[];
          expect(events.map(({ type, data }) => ({ type, data }))).to.deep.equal(
            expected.map(({ type, data }) => ({ type, data: data ?? {} })),
          );
          return { state: fold([...past, ...events]) };
        },
        thenNothing: () => expect(outcome).to.deep.equal([]),
        thenRefused: (reason: Outcome) => expect(outcome).to.equal(reason),
      };
    },
  };
}
