import { type DataOf, defineAggregate, type EventFields, type EventOf } from './aggregate.ts';
import { contentSchema } from './content.ts';
import type { RecordedEvent } from './envelope.ts';

const events = {
  InferenceRequested: [
    { name: 'model', type: 'string', doc: 'the name that the caller used' },
    { name: 'modelOwner', type: 'string', doc: 'the tenant whose model that name resolved to' },
    { name: 'form', type: { type: 'enum', name: 'InferenceForm', symbols: ['input', 'chat'] } },
    { name: 'input', type: contentSchema('InferenceInput') },
    {
      name: 'parameters',
      type: { type: 'map', values: 'string' },
      doc: 'as they apply, defaults filled in; name to JSON text',
    },
    { name: 'deadline', type: 'long', doc: 'milliseconds since the epoch; past it the request fails' },
  ],
  InferenceCompleted: [
    { name: 'output', type: contentSchema('InferenceOutput') },
    { name: 'inputTokens', type: 'long' },
    { name: 'outputTokens', type: 'long' },
    { name: 'cache', type: { type: 'enum', name: 'InferenceCache', symbols: ['hit', 'miss', 'bypass'] } },
    { name: 'startedAt', type: 'long', doc: 'milliseconds since the epoch' },
    { name: 'attempt', type: 'int', doc: 'from 1' },
  ],
  InferenceFailed: [
    { name: 'code', type: 'string' },
    { name: 'message', type: contentSchema('InferenceFailure'), doc: 'may quote what was asked, so it is content' },
    { name: 'attempt', type: 'int' },
  ],
  InferenceCancelled: [],
} as const satisfies EventFields;

export type InferenceRequest = DataOf<typeof events, 'InferenceRequested'>;

/** What an event said, for whom and when. */
interface Said<Data> {
  readonly data: Data;
  readonly tenantId: string;
  readonly at: number;
}

interface Ended<Status, Result> {
  readonly status: Status;
  readonly eventId: string;
  readonly request: Said<InferenceRequest>;
  readonly result: Said<Result>;
}

export type InferenceState =
  | { readonly status: 'absent' }
  | { readonly status: 'queued'; readonly eventId: string; readonly request: Said<InferenceRequest> }
  | Ended<'completed', DataOf<typeof events, 'InferenceCompleted'>>
  | Ended<'failed', DataOf<typeof events, 'InferenceFailed'>>
  | Ended<'cancelled', unknown>;

function evolve(state: InferenceState, event: EventOf<typeof events>): InferenceState {
  const said = <Data>({ data, metadata, recordedAt }: RecordedEvent<string, Data>): Said<Data> => ({
    data,
    tenantId: metadata.tenantId,
    at: recordedAt,
  });
  if (state.status === 'absent') {
    return event.type === 'InferenceRequested' ? { status: 'queued', eventId: event.id, request: said(event) } : state;
  }
  if (state.status !== 'queued') return state;
  const { eventId, request } = state;
  switch (event.type) {
    case 'InferenceRequested':
      return state;
    case 'InferenceCompleted':
      return { status: 'completed', eventId, request, result: said(event) };
    case 'InferenceFailed':
      return { status: 'failed', eventId, request, result: said(event) };
    case 'InferenceCancelled':
      return { status: 'cancelled', eventId, request, result: said(event) };
  }
}

export const inferences = defineAggregate({
  category: 'inference',
  topic: 'defter.inference',
  events,
  fields: {
    InferenceRequested: { input: 'content' },
    InferenceCompleted: { output: 'content' },
    InferenceFailed: { message: 'content' },
  },
  // The request and its one result.
  longest: 2,
  initial: { status: 'absent' },
  evolve,
  standing: undefined,
});
