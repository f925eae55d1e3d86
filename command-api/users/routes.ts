import { invitationRoutes } from '#contracts/invitations.ts';
import { userRoutes } from '#contracts/users.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { createRoleHandlers, type RolePorts } from '../members/role-handlers.ts';
import { createAcceptInvitation, type AcceptPorts } from './accept-invitation.ts';
import { createInvitationHandlers, type InvitationPorts } from './invitations.ts';
import { createSwitchHandlers, type SwitchPorts } from './switches.ts';

export const createUserRoutes = (ports: InvitationPorts & RolePorts & SwitchPorts & AcceptPorts): BoundRoute[] => [
  ...bindRoutes(userRoutes, 'command', {
    ...createInvitationHandlers(ports),
    ...createRoleHandlers(ports),
    ...createSwitchHandlers(ports),
  }),
  ...bindRoutes(invitationRoutes, 'command', { acceptInvitation: createAcceptInvitation(ports) }),
];
