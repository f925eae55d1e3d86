import { createEvent, type Origin } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import type { ProjectionState, VersionComparison } from '#events/projection.ts';
import { FED_AFTER_SWITCH_MS, KEPT_AFTER_SWITCH_MS } from '../projections/read-model.ts';

/** What the live version was built with has changed: it is built anew, whatever the difference. */
export function decideShapeRebuild(origin: Origin, { candidate, highest }: ProjectionState): readonly NewEvent[] {
  if (candidate) return [];
  const reason = 'this program makes another shape of it';
  const data = { version: highest + 1, kind: 'rebuild', onDifference: 'switch', reason } as const;
  return [createEvent('ProjectionRebuildRequested', data, origin)];
}

export interface SwitchProjection {
  readonly to: number;
  /** null: the two have different shapes. */
  readonly comparison: VersionComparison | null;
  readonly origin: Origin;
}

/** Gives the version up where it was asked not to switch to one that differs. */
export function decideSwitch(command: SwitchProjection, { live, candidate }: ProjectionState): readonly NewEvent[] {
  const { to, comparison, origin } = command;
  if (candidate?.version !== to) return [];
  if (candidate.onDifference === 'keep' && comparison && comparison.different > 0) {
    const reason = `${comparison.different} of ${comparison.documents} documents differ`;
    return [createEvent('ProjectionRebuildAbandoned', { version: to, reason, comparison }, origin)];
  }
  return [createEvent('ProjectionSwitched', { from: live, to, comparison }, origin)];
}

export interface AbandonRebuild {
  readonly version: number;
  readonly reason: string;
  readonly origin: Origin;
}

export function decideAbandon(
  { version, reason, origin }: AbandonRebuild,
  state: ProjectionState,
): readonly NewEvent[] {
  if (state.candidate?.version !== version) return [];
  return [createEvent('ProjectionRebuildAbandoned', { version, reason, comparison: null }, origin)];
}

/**
 * The next version whose time is over: one that is not the latest kept, that has been kept for long enough, or that makes
 * room for a new one. Never while readers may not have heard that it is not the live one any more.
 */
export function versionToRetire({ kept, candidate }: ProjectionState, now: number): number | undefined {
  const isOver = ({ version, since }: ProjectionState['kept'][number], at: number) =>
    version !== candidate?.version &&
    now - since > FED_AFTER_SWITCH_MS &&
    (at < kept.length - 1 || candidate?.kind === 'rebuild' || now - since > KEPT_AFTER_SWITCH_MS);
  return kept.find(isOver)?.version;
}

export function decideRetire(
  { version, now, origin }: { readonly version: number; readonly now: number; readonly origin: Origin },
  state: ProjectionState,
): readonly NewEvent[] {
  if (versionToRetire(state, now) !== version) return [];
  return [createEvent('ProjectionVersionRetired', { version }, origin)];
}
