import { type ProjectionState, projections, projectionVersions } from '#events/projection.ts';
import { categoryOf } from '#events/streams.ts';
import type { DocumentProjection } from '#platform/projection/projection.ts';
import { PROJECTION_STATES } from './read-model.ts';

export const projectionStatesProjection: DocumentProjection<ProjectionState> = {
  kind: 'document',
  ...PROJECTION_STATES,
  withoutCounts: true,
  keyOf: (stream) => (categoryOf(stream) === 'projection' ? projectionVersions.keyOf(stream) : undefined),
  project: (before, event) => ({ document: projections.evolve(before ?? projections.initial, event) }),
};
