// What projectors say of changed lists, for any number of streams over one subscription. Each stream is told of its own
// tenant, at most once a second, and holds no more than a number for each list, however slow its reader is.

import type { ListChange } from '#contracts/notifications.ts';
import { LIST_CHANGES, type ListChangesMessage } from '#events/live.ts';
import { Problem } from '#platform/http/problem.ts';
import type { ServerEvent } from '#platform/http/sse.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { pause } from '#platform/patience/back-off.ts';

const EVERY_MS = 1_000;

/** Which permission shows a list; of one that is not named nobody is told. `notification:<permission>` names its own. */
export const LISTS: Readonly<Record<string, string>> = {
  inference: 'inference:read',
  model: 'models:read',
  apikey: 'keys:read',
  credential: 'credentials:read',
  tenant: 'tenants:read',
  member: 'users:read',
  admins: 'users:read',
  user: 'users:read',
  session: 'users:read',
  audit: 'audit:read',
};
const NOTIFICATION = 'notification:';

const permissionOf = (list: string) => (list.startsWith(NOTIFICATION) ? list.slice(NOTIFICATION.length) : LISTS[list]);
const kindOf = (list: string) => (list.startsWith(NOTIFICATION) ? NOTIFICATION.slice(0, -1) : list);

export interface FollowOptions {
  /** undefined for all. */
  readonly tenant: string | undefined;
  /** What the caller may read there now; undefined where they have no part in it any more. May throw the problem that ends it. */
  readonly permissions: () => Promise<ReadonlySet<string> | undefined> | ReadonlySet<string> | undefined;
  readonly signal: AbortSignal;
}

export interface ListChanges {
  follow(options: FollowOptions): AsyncGenerator<readonly ServerEvent[]>;
}

interface Follower {
  readonly tenant: string | undefined;
  /** By list. */
  counts: Map<string, number>;
  rouse: () => void;
}

export function openListChanges(live: Pick<LiveChannel, 'subscribe'>, everyMs = EVERY_MS): ListChanges {
  const followers = new Map<string | undefined, Set<Follower>>();
  let unsubscribe: (() => void) | undefined;

  function add(follower: Follower, lists: Readonly<Record<string, number>>): void {
    for (const [list, count] of Object.entries(lists))
      follower.counts.set(list, (follower.counts.get(list) ?? 0) + count);
    follower.rouse();
  }

  function hear({ changes }: ListChangesMessage): void {
    for (const [tenant, lists] of Object.entries(changes)) {
      for (const follower of followers.get(tenant) ?? []) add(follower, lists);
      for (const follower of followers.get(undefined) ?? []) add(follower, lists);
    }
  }

  function enter(follower: Follower): void {
    const same = followers.get(follower.tenant) ?? new Set();
    followers.set(follower.tenant, same.add(follower));
    unsubscribe ??= live.subscribe(LIST_CHANGES, ({ value }) => hear(value as ListChangesMessage));
  }

  function leave(follower: Follower): void {
    const same = followers.get(follower.tenant);
    if (same?.delete(follower) && same.size === 0) followers.delete(follower.tenant);
    if (followers.size > 0) return;
    unsubscribe?.();
    unsubscribe = undefined;
  }

  return {
    async *follow({ tenant, permissions, signal }) {
      const follower: Follower = { tenant, counts: new Map(), rouse: () => undefined };
      const end = () => follower.rouse();
      signal.addEventListener('abort', end, { once: true });
      enter(follower);
      try {
        yield [{ event: 'ready', data: {} }];
        while (!signal.aborted) {
          await somethingHeard(follower, signal);
          const heard = follower.counts;
          follower.counts = new Map();
          const held = await stillHeld(permissions);
          if (!held || signal.aborted) return;
          const changes = changesOf(heard, held);
          if (changes.length === 0) continue;
          yield [{ event: 'changed', data: { changes } }];
          await pause(everyMs, signal);
        }
      } finally {
        signal.removeEventListener('abort', end);
        leave(follower);
      }
    },
  };
}

async function somethingHeard(follower: Follower, signal: AbortSignal): Promise<void> {
  if (follower.counts.size > 0 || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  follower.rouse = resolve;
  await promise;
  follower.rouse = () => undefined;
}

/** Who may act there no more hears no more. */
async function stillHeld(permissions: FollowOptions['permissions']): Promise<ReadonlySet<string> | undefined> {
  try {
    return await permissions();
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

function changesOf(heard: ReadonlyMap<string, number>, held: ReadonlySet<string>): ListChange[] {
  const counts = new Map<string, number>();
  for (const [list, count] of heard) {
    const permission = permissionOf(list);
    if (permission === undefined || !held.has(permission)) continue;
    counts.set(kindOf(list), (counts.get(kindOf(list)) ?? 0) + count);
  }
  return [...counts].map(([kind, count]) => ({ kind, count })).toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
}
