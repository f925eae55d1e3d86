// The read models that have versions: what makes them, and how their events are opened.

import type { Contents } from '#platform/content/content.ts';
import type { Projection } from '#platform/projection/projection.ts';
import type { ProjectionOptions } from '#platform/projection/start-projection.ts';
import { auditProjection } from './audit/projection.ts';
import { inferenceProjection } from './inference/projection.ts';
import { createTextOpener } from './inferences/open-texts.ts';
import { inferencesProjection } from './inferences/projection.ts';
import { INFERENCES } from './inferences/read-model.ts';
import { standingProjection } from './standing/projection.ts';

export interface ProjectionDefinition {
  readonly projection: Projection;
  readonly open?: NonNullable<ProjectionOptions['open']>;
}

export const projections: readonly Projection[] = [
  standingProjection,
  inferenceProjection,
  inferencesProjection,
  auditProjection,
];

export const projectionDefinitions = (contents: Pick<Contents, 'open'>): readonly ProjectionDefinition[] => {
  const openText = createTextOpener(contents);
  return projections.map((projection) => ({
    projection,
    ...(projection.name === INFERENCES.name && { open: openText }),
  }));
};
