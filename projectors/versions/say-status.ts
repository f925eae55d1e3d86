import { randomUUID } from 'node:crypto';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import { PROJECTION_STATUS, type ProjectorStatus } from '../projections/read-model.ts';
import type { VersionFeeds } from './version-feeds.ts';

const SAY_EVERY_MS = 1_000;

/** Says every second how far the versions fed here are. Returns what ends it. */
export function sayProjectorStatus(
  feeds: readonly VersionFeeds[],
  phaseOf: (projection: string) => 'building' | 'comparing' | null,
  live: Pick<LiveChannel, 'publish'>,
  log: Log,
): () => void {
  const process = randomUUID();
  const statusOf = async (one: VersionFeeds) => {
    const versions = one.fed().map(async ({ version, running }) => ({
      version,
      lag: await running.lag(),
      position: running.position()?.toString() ?? null,
      ready: running.ready(),
    }));
    return [one.name, { versions: await Promise.all(versions), phase: phaseOf(one.name) }] as const;
  };
  const say = async () => {
    const projections = Object.fromEntries(await Promise.all(feeds.map(statusOf)));
    const status: ProjectorStatus = { process, projections };
    live.publish(PROJECTION_STATUS, status, { keep: false });
  };
  const timer = setInterval(() => {
    say().catch((err: unknown) => log.warn({ err }, 'the status of the projections cannot be said'));
  }, SAY_EVERY_MS);
  return () => clearInterval(timer);
}
