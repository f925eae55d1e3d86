import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { InferenceRequest, InferenceState } from '#events/inference.ts';

export interface RequestInference {
  readonly request: InferenceRequest;
  readonly origin: Origin;
}

export const decideRequestInference = (
  { request, origin }: RequestInference,
  state: InferenceState,
): readonly NewEvent[] => (state.status === 'absent' ? [createEvent('InferenceRequested', request, origin)] : []);

export interface CancelInference {
  readonly tenantId: string;
  readonly origin: Origin;
}

/** Another tenant's inference is as good as absent; one that has ended otherwise stays as it ended. */
export function decideCancelInference(
  { tenantId, origin }: CancelInference,
  state: InferenceState,
): readonly NewEvent[] | 'absent' | 'ended' {
  if (state.status === 'absent' || state.request.tenantId !== tenantId) return 'absent';
  if (state.status === 'queued') return [createEvent('InferenceCancelled', {}, origin)];
  return state.status === 'cancelled' ? [] : 'ended';
}
