import { evolveInference, type InferenceState, initialInference } from '#events/inference.ts';
import { categoryOf, subjectOf, TOPICS } from '#events/streams.ts';
import type { DocumentProjection } from '#platform/projection/projection.ts';
import { INFERENCE, inferenceKey, KEPT_AFTER_END_MS } from './read-model.ts';

/** One inference by id, still sealed. */
export const inferenceProjection: DocumentProjection<InferenceState> = {
  kind: 'document',
  name: INFERENCE,
  topics: [TOPICS.inference],
  withoutCounts: true,
  keyOf: (stream) => (categoryOf(stream) === 'inference' ? inferenceKey(subjectOf(stream)) : undefined),
  project: (before, event) => ({ document: evolveInference(before ?? initialInference, event) }),
  expiresAt: (state) =>
    state.status === 'absent' || state.status === 'queued' ? undefined : state.result.at + KEPT_AFTER_END_MS,
};
