import { createEvent, type Origin } from '#events/create-event.ts';
import { recogniseCommand } from '#events/commands.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { ProjectionState } from '#events/projection.ts';

export type OperationRefusal = 'under-way' | 'none-kept' | 'key-reused';

export interface RebuildProjection {
  readonly onDifference: 'switch' | 'keep';
  readonly reason: string | null;
  readonly origin: Origin;
}

/** A command that has been taken already leads to nothing more. */
function known(
  { commands }: ProjectionState,
  { commandId, eventId }: Origin,
): readonly NewEvent[] | 'key-reused' | null {
  const seen = recogniseCommand(commands, commandId, eventId);
  return seen === 'new' ? null : seen === 'repeated' ? [] : 'key-reused';
}

export function decideRebuild(
  { origin, ...asked }: RebuildProjection,
  state: ProjectionState,
): readonly NewEvent[] | OperationRefusal {
  const repeated = known(state, origin);
  if (repeated) return repeated;
  if (state.candidate) return 'under-way';
  const data = { version: state.highest + 1, kind: 'rebuild', ...asked } as const;
  return [createEvent('ProjectionRebuildRequested', data, origin)];
}

export function decideRollback(
  { origin, ...asked }: RebuildProjection,
  state: ProjectionState,
): readonly NewEvent[] | OperationRefusal {
  const repeated = known(state, origin);
  if (repeated) return repeated;
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
  readonly origin: Origin;
}

export function decideTakeUp(
  { kind, origin, ...data }: TakeUpDeadLetter,
  state: ProjectionState,
): readonly NewEvent[] | OperationRefusal {
  const repeated = known(state, origin);
  if (repeated) return repeated;
  return [createEvent(kind === 'retry' ? 'DeadLetterRetried' : 'DeadLetterDiscarded', data, origin)];
}
