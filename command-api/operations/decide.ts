import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { isWorkedOn, type ProjectionState } from '#events/projection.ts';

export type OperationRefusal = 'under-way' | 'none-kept' | 'not-worked-on';

export interface RebuildProjection {
  readonly onDifference: 'switch' | 'keep';
  readonly reason: string | null;
  readonly origin: Origin;
}

export function decideRebuild(
  { origin, ...asked }: RebuildProjection,
  state: ProjectionState,
): readonly NewEvent[] | OperationRefusal {
  if (state.candidate) return 'under-way';
  const data = { version: state.highest + 1, kind: 'rebuild', ...asked } as const;
  return [createEvent('ProjectionRebuildRequested', data, origin)];
}

export function decideRollback(
  { origin, ...asked }: RebuildProjection,
  state: ProjectionState,
): readonly NewEvent[] | OperationRefusal {
  if (state.candidate) return 'under-way';
  const kept = state.kept.at(-1);
  if (!kept) return 'none-kept';
  const data = { version: kept.version, kind: 'rollback', ...asked } as const;
  return [createEvent('ProjectionRebuildRequested', data, origin)];
}

export interface TakeUpDeadLetter {
  readonly kind: 'retry' | 'discard';
  readonly stream: string;
  readonly revision: number;
  readonly reason: string | null;
  /** Of the read model, where the letter is a read model's. */
  readonly version: number | undefined;
  readonly origin: Origin;
}

/** Nobody would take up what a version wrote off that nobody works on. */
export function decideTakeUp(
  { kind, version, origin, ...data }: TakeUpDeadLetter,
  state: ProjectionState,
): readonly NewEvent[] | OperationRefusal {
  if (version !== undefined && !isWorkedOn(state, version)) return 'not-worked-on';
  return [createEvent(kind === 'retry' ? 'DeadLetterRetried' : 'DeadLetterDiscarded', data, origin)];
}
