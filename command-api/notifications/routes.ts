import { notificationRoutes } from '#contracts/notifications.ts';
import { inboxes } from '#events/inbox.ts';
import { PLATFORM } from '#events/model.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { acknowledge, type CommandRoutePorts, runCommand } from '../run-command.ts';
import { decideMarkRead } from './decide.ts';

export interface NotificationPorts extends CommandRoutePorts {
  readonly now: () => number;
}

export function createNotificationRoutes(ports: NotificationPorts): BoundRoute[] {
  const { origins, tokens, now } = ports;
  return bindRoutes(notificationRoutes, 'command', {
    markNotificationsRead: async (request) => {
      const { caller, body } = request;
      const { tenantId, actor, permissions } = caller;
      const { ids, upTo } = body;
      const origin = await origins(request);
      const of = permissions.has('platform') ? [...new Set([tenantId, PLATFORM])] : [tenantId];
      const until = upTo === undefined ? undefined : Date.parse(upTo);
      const asked = { ids: ids ?? [], upTo: until, of, now: now(), origin };
      const done = await runCommand(ports, {
        aggregate: inboxes,
        stream: inboxes.stream(actor.kind, actor.id),
        origin,
        refusals: {},
        decide: (state) => decideMarkRead(asked, state),
      });
      return { status: 204, headers: done.written.revision < 0 ? {} : acknowledge(tokens, caller.holder, done) };
    },
  });
}
