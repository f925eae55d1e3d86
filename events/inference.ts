import { avro, type FromAvro } from './avro.ts';
import { contentSchema } from './content.ts';
import type { EventMetadata, RecordedEvent } from './envelope.ts';

/** Longest length of an inference's stream: the request and its one result. */
export const INFERENCE_STREAM_LENGTH = 2;

export const inferenceEvents = {
  InferenceRequested: avro({
    type: 'record',
    name: 'InferenceRequested',
    fields: [
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
  }),
  InferenceCompleted: avro({
    type: 'record',
    name: 'InferenceCompleted',
    fields: [
      { name: 'output', type: contentSchema('InferenceOutput') },
      { name: 'inputTokens', type: 'long' },
      { name: 'outputTokens', type: 'long' },
      { name: 'cache', type: { type: 'enum', name: 'InferenceCache', symbols: ['hit', 'miss', 'bypass'] } },
      { name: 'startedAt', type: 'long', doc: 'milliseconds since the epoch' },
      { name: 'attempt', type: 'int', doc: 'from 1' },
    ],
  }),
  InferenceFailed: avro({
    type: 'record',
    name: 'InferenceFailed',
    fields: [
      { name: 'code', type: 'string' },
      { name: 'message', type: contentSchema('InferenceFailure'), doc: 'may quote what was asked, so it is content' },
      { name: 'attempt', type: 'int' },
    ],
  }),
  InferenceCancelled: avro({ type: 'record', name: 'InferenceCancelled', fields: [] }),
} as const;

export type InferenceEvent = {
  [T in keyof typeof inferenceEvents]: { readonly type: T; readonly data: FromAvro<(typeof inferenceEvents)[T]> };
}[keyof typeof inferenceEvents];

type DataOf<T extends InferenceEvent['type']> = Extract<InferenceEvent, { type: T }>['data'];
export type InferenceRequest = DataOf<'InferenceRequested'>;

/** A sealed value is opened with the tenant and key that its own event names. */
interface Sealed<Data> {
  readonly data: Data;
  readonly metadata: Pick<EventMetadata, 'tenantId' | 'keyId'>;
  readonly at: number;
}

export type InferenceState =
  | { readonly status: 'absent' }
  | { readonly status: 'queued'; readonly eventId: string; readonly request: Sealed<InferenceRequest> }
  | {
      readonly status: 'completed';
      readonly eventId: string;
      readonly request: Sealed<InferenceRequest>;
      readonly result: Sealed<DataOf<'InferenceCompleted'>>;
    }
  | {
      readonly status: 'failed';
      readonly eventId: string;
      readonly request: Sealed<InferenceRequest>;
      readonly result: Sealed<DataOf<'InferenceFailed'>>;
    }
  | {
      readonly status: 'cancelled';
      readonly eventId: string;
      readonly request: Sealed<InferenceRequest>;
      readonly result: Sealed<unknown>;
    };

export const initialInference: InferenceState = { status: 'absent' };

function sealed<Data>(event: RecordedEvent, data: Data): Sealed<Data> {
  const { tenantId, keyId } = event.metadata;
  return { data, metadata: keyId === undefined ? { tenantId } : { tenantId, keyId }, at: event.recordedAt };
}

export function evolveInference(state: InferenceState, event: RecordedEvent): InferenceState {
  const { type, data } = event as unknown as InferenceEvent;
  if (state.status === 'absent') {
    return type === 'InferenceRequested'
      ? { status: 'queued', eventId: event.id, request: sealed(event, data) }
      : state;
  }
  if (state.status !== 'queued') return state;
  const { eventId, request } = state;
  switch (type) {
    case 'InferenceCompleted':
      return { status: 'completed', eventId, request, result: sealed(event, data) };
    case 'InferenceFailed':
      return { status: 'failed', eventId, request, result: sealed(event, data) };
    case 'InferenceCancelled':
      return { status: 'cancelled', eventId, request, result: sealed(event, data) };
    default:
      return state;
  }
}
