import { evolveInference, type InferenceState, initialInference } from '#events/inference.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { KEPT_AFTER_END_MS } from './read-model.ts';

/** Folds one event into the document. */
export const projectInference = (before: InferenceState | undefined, event: RecordedEvent): InferenceState =>
  evolveInference(before ?? initialInference, event);

/** When the document may go; undefined while the inference runs. */
export const inferenceExpiry = (state: InferenceState): number | undefined =>
  state.status === 'absent' || state.status === 'queued' ? undefined : state.result.at + KEPT_AFTER_END_MS;
