import { passwordRoutes } from '#contracts/passwords.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { createEmailChangeHandlers, type EmailChangePorts } from './email-handlers.ts';
import { createResetHandlers, type ResetPorts } from './reset-handlers.ts';

export const createPasswordRoutes = (ports: ResetPorts & EmailChangePorts): BoundRoute[] =>
  bindRoutes(passwordRoutes, 'command', { ...createResetHandlers(ports), ...createEmailChangeHandlers(ports) });
