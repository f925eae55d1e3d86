// Snapshots, by stream, of what each request must know before it is let in. They live in the read store beside the
// projector's, under the same revision guard; what is missing there is folded from the event store and restored, so an
// emptied read store neither opens nor locks the door.

import { LRUCache } from 'lru-cache';
import type { DocumentWrite, ReadStore } from '../read-store/read-store.ts';

export interface Standings<Standing> {
  /** In the order of the streams; undefined for a stream without events. */
  get(streams: readonly string[]): Promise<(Standing | undefined)[]>;
  /** Folds the stream and writes its standing; a command calls it after its append and before it answers. */
  refresh(stream: string): Promise<{ readonly standing: Standing; readonly revision: number } | undefined>;
}

export interface StandingOptions<Standing> {
  /** Folds a stream by now; undefined for one without events. */
  readonly load: (stream: string) => Promise<{ readonly standing: Standing; readonly revision: number } | undefined>;
  readonly readStore: Pick<ReadStore, 'get' | 'apply'>;
  /** Where a standing is written, in this order, if not only where it is read: asked at each write, after the append. */
  readonly writeTo?: () => Promise<readonly Pick<ReadStore, 'apply'>[]>;
  readonly keyOf: (stream: string) => string;
  /** The very write that the projector makes for this standing at this revision. */
  readonly writeOf: (stream: string, revision: number, standing: Standing) => DocumentWrite;
  /** In milliseconds, for tests. */
  readonly now?: () => number;
}

/**
 * That a stream has no events is remembered here. A standing is looked for first, so that an absence holds nobody back once
 * there is one; only where the read store lost what was written is an absence believed longer than it lasted, and no longer
 * than this.
 */
const ABSENCE_MS = 1_000;
const MOST_ABSENCES = 20_000;

export function createStandings<Standing>(options: StandingOptions<Standing>): Standings<Standing> {
  const { load, readStore, writeTo = async () => [readStore], keyOf, writeOf } = options;
  const { now = () => performance.now() } = options;
  /** Until when each is believed. */
  const absences = new LRUCache<string, number>({ max: MOST_ABSENCES });

  const refresh = async (stream: string) => {
    const loaded = await load(stream);
    if (loaded === undefined) return undefined;
    const write = writeOf(stream, loaded.revision, loaded.standing);
    for (const documents of await writeTo()) await documents.apply([write]);
    return loaded;
  };

  const findMissing = async (stream: string): Promise<Standing | undefined> => {
    const until = absences.get(stream);
    if (until !== undefined && now() < until) return undefined;
    const found = await refresh(stream);
    if (found) absences.delete(stream);
    else absences.set(stream, now() + ABSENCE_MS);
    return found?.standing;
  };

  return {
    refresh,
    async get(streams) {
      const documents = await readStore.get(streams.map(keyOf));
      return Promise.all(
        documents.map((document, i) =>
          document && document.value !== null ? (document.value as Standing) : findMissing(streams[i] as string),
        ),
      );
    },
  };
}
