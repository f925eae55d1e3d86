// The read models that have versions, each a value of its own folder. This is the one list: what is fed, rebuilt, read,
// shown to operators and made by `migrate` derives from it.

import type { Projection } from '#platform/projection/projection.ts';
import { auditReadModel } from './audit/read-model.ts';
import { entitiesReadModel } from './entities/read-model.ts';
import { inferenceReadModel } from './inference/read-model.ts';
import { inferencesReadModel } from './inferences/read-model.ts';
import { notificationsReadModel } from './notifications/read-model.ts';
import { standingReadModel } from './standing/read-model.ts';

export const everyReadModel: readonly Projection[] = [
  standingReadModel,
  inferenceReadModel,
  inferencesReadModel,
  auditReadModel,
  entitiesReadModel,
  notificationsReadModel,
];

/** Those that an installation keeps: what an embedded log answers as fast itself is left out. */
export const readModelsOf = ({ eventStoreUrl }: { readonly eventStoreUrl?: unknown }) =>
  everyReadModel.filter(({ onlyBesideRemoteLog }) => eventStoreUrl !== undefined || !onlyBesideRemoteLog);
