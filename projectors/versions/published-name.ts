// Whoever queries the engine itself finds the live version by the read model's name. An engine may lose a name with its
// index, and the index be made anew in whichever process notices; so what was said once is looked at again.

import { isFinal } from '#platform/errors.ts';
import type { Log } from '#platform/logging/log.ts';
import { unlessAborted } from '#platform/patience/within.ts';
import { versionIndex } from '#platform/projection/versions.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';

/** A name that leads where it should costs the engine one look. */
const LOOK_AGAIN_MS = 10_000;

export interface PublishedNameOptions {
  /** Of the read model's index, which is the name. */
  readonly name: string;
  readonly searchIndex: Pick<SearchIndex, 'publish'>;
  readonly log: Pick<Log, 'warn'>;
  /** Milliseconds from any moment on, never going back. */
  readonly now?: () => number;
}

export function createPublishedName({ name, searchIndex, log, now = () => performance.now() }: PublishedNameOptions) {
  let last: { readonly version: number; readonly at: number } | undefined;
  let refused: number | undefined;
  return {
    /** For as long as it is called, the name leads to this version, which is there. Waits for the engine until `signal`. */
    async lead(version: number, signal: AbortSignal): Promise<void> {
      if (last?.version === version && now() - last.at < LOOK_AGAIN_MS) return;
      const at = now();
      try {
        await unlessAborted(searchIndex.publish(name, versionIndex(name, version)), signal);
        refused = undefined;
      } catch (err) {
        // What refuses a name does so each time.
        if (!isFinal(err)) throw err;
        if (refused !== version)
          log.warn({ err, index: name, version }, 'a read model has no name for those who query it');
        refused = version;
      }
      last = { version, at };
    },
  };
}
