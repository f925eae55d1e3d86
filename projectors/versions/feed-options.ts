import type { ProjectionState } from '#events/projection.ts';
import type { Bus } from '#platform/bus/bus.ts';
import type { LetterReports } from '#platform/bus/letter-reports.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import type { ProjectionOptions } from '#platform/projection/start-projection.ts';
import type { VersionStates } from '#platform/projection/version-states.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';
import type { ListHints } from '../hints/list-hints.ts';

export interface FeedPorts {
  readonly store: EventStore;
  readonly bus: Bus;
  /**
   * Reads the event store itself. Versions that are built come from it, in the one process whose turn it is, until the
   * bus feeds them. Left out where `bus` reads the event store anyway.
   */
  readonly rebuildBus?: Bus | undefined;
  readonly readStore: ReadStore;
  readonly searchIndex: SearchIndex;
  readonly contents: Pick<Contents, 'open'>;
  readonly live: LiveChannel;
  readonly log: Log;
  readonly observe?: NonNullable<ProjectionOptions['observe']> | undefined;
  readonly states: VersionStates<ProjectionState>;
  readonly letterReports: Pick<LetterReports, 'tell'>;
  readonly hints: Pick<ListHints, 'note'>;
  readonly now: () => number;
}
