// What commands to people need, in memory, and an event store that can be told to die before an append.

import { createSecretKey, randomBytes } from 'node:crypto';
import { type Standing, standingDocument, standingKey } from '#events/standing.ts';
import { createBlobs } from '#platform/blobs/blobs.ts';
import type { BlobStore } from '#platform/blobs/blob-store.ts';
import { createContents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { createStandings } from '#platform/standing/standings.ts';
import { openKeyring } from '#platform/vault/keyring.ts';
import { createStandingLoader } from '../../compose/service-standings.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { createMemoryReadStore } from './memory-read-store.ts';
import { createMemoryVault } from './memory-vault.ts';

/** No name or address is so long that it would be a blob. */
const noBlobs = new Proxy({} as BlobStore, {
  get: (_, name) => () => {
    throw new Error(`a blob was asked for: ${String(name)}`);
  },
});

export async function openPeoplePorts(now: () => number = Date.now) {
  const inner = createMemoryEventStore(now);
  /** Called before each append; what it throws is the append's failure. */
  const before: { append?: (stream: string) => void | Promise<void> } = {};
  const store: EventStore = {
    ...inner,
    async append(stream, ...rest) {
      await before.append?.(stream);
      return inner.append(stream, ...rest);
    },
  };
  const keyring = await openKeyring({ vault: createMemoryVault(), masterKey: randomBytes(32) });
  return {
    store,
    before,
    keyring,
    contents: createContents({ keyring, blobs: createBlobs({ store: noBlobs, keyring }) }),
    serverKey: createSecretKey(randomBytes(32)),
    standings: createStandings<Standing>({
      load: createStandingLoader(store),
      readStore: createMemoryReadStore(),
      keyOf: standingKey,
      writeOf: standingDocument,
    }),
  };
}

export type PeoplePorts = Awaited<ReturnType<typeof openPeoplePorts>>;
