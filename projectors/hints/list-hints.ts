// Tells whoever has a list open that it has changed: which lists of which tenant, and by how many events. Counted as batches
// are written and said seldom, so that it costs next to nothing however much is written; and not before a reader is shown
// what was written. A hint may be lost, or come twice.

import type { RecordedEvent } from '#events/envelope.ts';
import { LIST_CHANGES, type ListChangesMessage } from '#events/live.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { Log } from '#platform/logging/log.ts';
import { saySeldom } from '#platform/patience/say-seldom.ts';
import type { Projection } from '#platform/projection/projection.ts';
import type { SearchIndex } from '#platform/search-index/search-index.ts';

/** Milliseconds from the first change to what is said of it. */
const SAID_AFTER_MS = 100;
/** Milliseconds from one message of a read model to its next. */
const SAID_EVERY_MS = 1_000;
/** A message names no more tenants. */
const MOST_TENANTS = 500;

export interface ListHintsOptions {
  readonly live: Pick<LiveChannel, 'publish'>;
  readonly searchIndex: Pick<SearchIndex, 'refresh'>;
  readonly log: Log;
  readonly saidEveryMs?: number;
}

export interface ListHints {
  /** Counts events that a read model has written. */
  note(readModel: Projection, written: readonly { readonly event: RecordedEvent }[]): void;
  stop(): void;
}

type Counts = Map<string, Map<string, number>>;

export function startListHints({ live, searchIndex, log, saidEveryMs = SAID_EVERY_MS }: ListHintsOptions): ListHints {
  const ofReadModel = new Map<string, ReturnType<typeof createHintsOfOne>>();
  let stopped = false;
  const warn = saySeldom((err: unknown) => log.warn({ err }, 'what changed in a list cannot be told of now'));

  function createHintsOfOne(readModel: Projection) {
    let counts: Counts = new Map();
    let timer: NodeJS.Timeout | undefined;
    let lastSaid = -Infinity;

    async function say(): Promise<void> {
      const said = counts;
      counts = new Map();
      try {
        if (readModel.kind !== 'document') await searchIndex.refresh(readModel.index.name);
        for (const message of messagesOf(said)) live.publish(LIST_CHANGES, message, { keep: false });
        warn.over();
      } catch (error) {
        warn(error);
      }
      lastSaid = performance.now();
      timer = undefined;
      if (counts.size > 0) sayLater();
    }

    function sayLater(): void {
      if (stopped) return;
      const waitMs = Math.max(SAID_AFTER_MS, lastSaid + saidEveryMs - performance.now());
      timer ??= setTimeout(() => void say(), waitMs).unref();
    }

    return {
      add(written: readonly { readonly event: RecordedEvent }[]) {
        for (const { event } of written) {
          const list = readModel.hintOf?.(event);
          if (list === undefined) continue;
          const { tenantId } = event.metadata;
          const ofTenant = counts.get(tenantId) ?? new Map<string, number>();
          if (ofTenant.size === 0) counts.set(tenantId, ofTenant);
          ofTenant.set(list, (ofTenant.get(list) ?? 0) + 1);
        }
        if (counts.size > 0) sayLater();
      },
      stop: () => clearTimeout(timer),
    };
  }

  return {
    note(readModel, written) {
      if (readModel.hintOf === undefined || stopped) return;
      const one = ofReadModel.get(nameOf(readModel)) ?? createHintsOfOne(readModel);
      ofReadModel.set(nameOf(readModel), one);
      one.add(written);
    },
    stop() {
      stopped = true;
      for (const one of ofReadModel.values()) one.stop();
    },
  };
}

/** Each version has an index of its own. */
const nameOf = (readModel: Projection) => (readModel.kind === 'document' ? readModel.name : readModel.index.name);

function* messagesOf(counts: Counts): Generator<ListChangesMessage> {
  const tenants = [...counts].map(([tenant, lists]) => [tenant, Object.fromEntries(lists)] as const);
  for (let from = 0; from < tenants.length; from += MOST_TENANTS)
    yield { changes: Object.fromEntries(tenants.slice(from, from + MOST_TENANTS)) };
}
