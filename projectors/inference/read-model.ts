// One inference by id: the state that its stream folds into, still sealed. It is dropped a day after its end; later
// readers fold the stream, as all do where the log is embedded: two events are read there faster than a document is kept.

import { type InferenceState, inferences } from '#events/inference.ts';
import { categoryOf, subjectOf } from '#events/streams.ts';
import type { DocumentProjection } from '#platform/projection/projection.ts';

export const inferenceKey = (id: string) => `inference:${id}`;

export const KEPT_AFTER_END_MS = 24 * 60 * 60 * 1000;

export const inferenceReadModel: DocumentProjection<InferenceState> = {
  kind: 'document',
  name: 'inference',
  topics: [inferences.topic],
  withoutCounts: true,
  onlyBesideRemoteLog: true,
  keyOf: (stream) => (categoryOf(stream) === 'inference' ? inferenceKey(subjectOf(stream)) : undefined),
  project: (before, event) => ({ document: inferences.evolve(before ?? inferences.initial, event) }),
  expiresAt: (state) =>
    state.status === 'absent' || state.status === 'queued' ? undefined : state.result.at + KEPT_AFTER_END_MS,
};
