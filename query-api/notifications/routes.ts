import { MOST_UNREAD, notificationRoutes } from '#contracts/notifications.ts';
import { problems } from '#contracts/problems.ts';
import type { Actor } from '#events/envelope.ts';
import { inboxes } from '#events/inbox.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import type { Snapshots } from '#platform/event-store/snapshots.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import { Problem } from '#platform/http/problem.ts';
import type { BoundRoute, Handler } from '#platform/http/route.ts';
import { answerWithEvents } from '#platform/http/sse.ts';
import { notificationsReadModel } from '../../projectors/notifications/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { audienceOf } from './audience.ts';
import type { ListChanges } from './list-changes.ts';
import { countUnread, isHitRead, readPage } from './read-list.ts';
import { viewNotification } from './view.ts';

export interface NotificationQueryPorts {
  readonly store: Pick<EventStore, 'readStream'>;
  readonly snapshots: Snapshots;
  readonly fresh: Freshness;
  readonly changes: ListChanges;
  readonly now: () => number;
}

export function createNotificationRoutes(ports: NotificationQueryPorts): BoundRoute[] {
  const { store, snapshots, fresh, changes, now } = ports;

  /** Folded from the log, so that what was marked a moment ago shows. */
  const inboxOf = async ({ kind, id }: Actor) =>
    (await loadState({ store, snapshots, stream: inboxes.stream(kind, id), decider: inboxes })).state;

  const listNotifications: Handler<typeof notificationRoutes.listNotifications> = async (request) => {
    const { caller, query } = request;
    const index = await fresh.of(notificationsReadModel, request);
    const asked = { audience: audienceOf(caller), inbox: await inboxOf(caller.actor), now: now() };
    const { limit, after } = query;
    const [{ hits, next }, unread] = await Promise.all([
      readPage(index, { ...asked, unread: query.unread === 'true', limit, after }),
      countUnread(index, asked, MOST_UNREAD),
    ]);
    const data = hits.flatMap((hit) => viewNotification(hit, isHitRead(asked.inbox, hit), asked.now) ?? []);
    return { status: 200, body: { object: 'list', data, next, upTo: data[0]?.at ?? null, unread } };
  };

  const followChanges: Handler<typeof notificationRoutes.followChanges> = (request) => {
    const { caller, query, signal } = request;
    fresh.check(request);
    const { tenantId, permissions } = caller;
    const tenant = query.tenant ?? tenantId;
    if (tenant !== tenantId && !permissions.has('platform'))
      throw new Problem(problems.forbidden, { detail: 'The lists of another tenant need the permission platform.' });
    const events = changes.follow({
      tenant: tenant === '*' ? undefined : tenant,
      // As they are by then: a role may be taken while the stream is open.
      permissions: () => caller.permissionsIn(tenant === '*' ? tenantId : tenant),
      signal,
    });
    return answerWithEvents({ events, signal });
  };

  return bindRoutes(notificationRoutes, 'query', { listNotifications, followChanges });
}
