// How far each version is, as the projectors say it every second. What was said long ago counts no more.

import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { PROJECTION_STATUS, type ProjectorStatus } from '../../projectors/projections/read-model.ts';

const SILENT_AFTER_MS = 10_000;

export interface VersionProgress {
  readonly lag: number;
  readonly ready: boolean;
  readonly position: bigint | null;
  readonly phase: 'building' | 'comparing' | null;
  readonly ageMs: number;
}

/** Summed up over all processes; undefined while none feeds the version. */
export type StatusOf = (projection: string, version: number) => VersionProgress | undefined;

export function openProjectorStatus(
  live: Pick<LiveChannel, 'subscribe'>,
  now: () => number = () => performance.now(),
): { readonly of: StatusOf; close(): void } {
  const heard = new Map<string, { readonly at: number; readonly projections: ProjectorStatus['projections'] }>();
  const close = live.subscribe(PROJECTION_STATUS, ({ value }) => {
    const { process, projections } = value as ProjectorStatus;
    heard.set(process, { at: now(), projections });
    for (const [name, { at }] of heard) if (now() - at > SILENT_AFTER_MS) heard.delete(name);
  });

  const of: StatusOf = (projection, version) => {
    let sum: VersionProgress | undefined;
    for (const { at, projections } of heard.values()) {
      const ageMs = Math.round(now() - at);
      if (ageMs > SILENT_AFTER_MS) continue;
      const { versions = [], phase = null } = projections[projection] ?? {};
      for (const one of versions.filter((said) => said.version === version)) {
        const position = one.position === null ? null : BigInt(one.position);
        sum = {
          // Infinity does not travel as JSON.
          lag: (sum?.lag ?? 0) + (one.lag ?? 0),
          ready: (sum?.ready ?? true) && one.ready,
          position: lowest(sum?.position ?? null, position),
          phase: sum?.phase ?? phase,
          ageMs: Math.max(sum?.ageMs ?? 0, ageMs),
        };
      }
    }
    return sum;
  };
  return { of, close };
}

function lowest(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}
