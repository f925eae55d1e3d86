import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { ModelState } from '#events/model.ts';

export interface ModelHealthSeen {
  /** The code of the failure; undefined of a run that succeeded. */
  readonly failure: string | undefined;
  /** Of the registration that ran. */
  readonly revision: number;
  readonly origin: Origin;
}

/** Nothing where it is known, or was seen of a registration that is not in force any more. */
export function decideModelHealth({ failure, revision, origin }: ModelHealthSeen, state: ModelState): NewEvent[] {
  if (state.status !== 'registered' || state.model.revision !== revision) return [];
  const isKnown = (state.model.unhealthySince !== undefined) === (failure !== undefined);
  if (isKnown) return [];
  return failure === undefined
    ? [createEvent('ModelRecovered', {}, origin)]
    : [createEvent('ModelBecameUnhealthy', { reason: failure }, origin)];
}
