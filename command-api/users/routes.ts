import { userRoutes } from '#contracts/users.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { createRoleHandlers, type RolePorts } from '../members/role-handlers.ts';
import { createInvitationHandlers, type InvitationPorts } from './invitations.ts';
import { createSwitchHandlers, type SwitchPorts } from './switches.ts';

export const createUserRoutes = (ports: InvitationPorts & RolePorts & SwitchPorts): BoundRoute[] =>
  bindRoutes(userRoutes, 'command', {
    ...createInvitationHandlers(ports),
    ...createRoleHandlers(ports),
    ...createSwitchHandlers(ports),
  });
