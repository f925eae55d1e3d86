// Which version a process reads. After a switch it goes over once the new version has all that the old one shows, and
// never back; so nobody who reads here, with a consistency token or without, sees an older state than before.

import { pause } from '../patience/back-off.ts';
import type { Positions } from '../positions.ts';
import type { KnownVersions, VersionDirectory } from './version-directory.ts';

interface Named {
  readonly name: string;
}

export interface VersionReaderParts<ReadModel extends Named> {
  readonly directory: VersionDirectory;
  /** What a version shows to a reader now. */
  readonly positionsOf: (readModel: ReadModel, version: number) => Promise<Positions>;
  readonly now?: () => number;
}

export interface VersionReader<ReadModel extends Named> {
  /** The version to be read by one request, for all that it reads. */
  choose(readModel: ReadModel): Promise<number>;
}

/** The old version is fed for longer than it takes to hear of a switch and then to wait for this. */
const OVER_WITHIN_MS = 20_000;
/** Reads of the old version that were under way may end later than the change-over: those after them wait for as much. */
const SETTLED_AFTER_MS = 2_000;
const SETTLE_WAIT_MS = 300;
const LOOK_EVERY_MS = 10;

interface Chosen {
  readonly version: number;
  /** Where it changed over from, and when. */
  readonly before?: { readonly version: number; readonly at: number };
}

export function createVersionReader<ReadModel extends Named>(
  parts: VersionReaderParts<ReadModel>,
): VersionReader<ReadModel> {
  const { directory, positionsOf, now = () => performance.now() } = parts;
  const chosen = new Map<string, Chosen>();
  const heard = new Map<string, { readonly live: number; readonly at: number }>();

  async function mayGoOver(readModel: ReadModel, from: number, { live: to, kept }: KnownVersions): Promise<boolean> {
    if (!kept.some(({ version }) => version === from)) return true;
    const first = heard.get(readModel.name);
    if (first?.live !== to) heard.set(readModel.name, { live: to, at: now() });
    else if (now() - first.at > OVER_WITHIN_MS) return true;
    return covers(() => positionsOf(readModel, to), await positionsOf(readModel, from));
  }

  async function settle(readModel: ReadModel, version: number, before: number): Promise<void> {
    const wanted = await positionsOf(readModel, before);
    const until = performance.now() + SETTLE_WAIT_MS;
    while (!(await covers(() => positionsOf(readModel, version), wanted)) && performance.now() < until)
      await pause(LOOK_EVERY_MS);
  }

  return {
    async choose(readModel) {
      const projection = readModel.name;
      const known = await directory.of(projection);
      const { live } = known;
      let mine = chosen.get(projection);
      if (!mine) chosen.set(projection, (mine = { version: live }));
      if (mine.version !== live) {
        if (!(await mayGoOver(readModel, mine.version, known))) return mine.version;
        // Another request may have gone over meanwhile.
        if (chosen.get(projection) === mine) {
          chosen.set(projection, { version: live, before: { version: mine.version, at: now() } });
        }
      }
      const { version, before } = chosen.get(projection) ?? mine;
      if (before && now() - before.at > SETTLED_AFTER_MS) chosen.set(projection, { version });
      else if (before) await settle(readModel, version, before.version);
      return version;
    },
  };
}

/** Positions are read after those that are wanted. */
async function covers(positions: () => Promise<Positions>, wanted: Positions): Promise<boolean> {
  const now = await positions();
  return [...wanted].every(([partition, position]) => (now.get(partition) ?? 0n) >= position);
}
