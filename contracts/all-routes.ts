import { apiKeyRoutes } from './api-keys.ts';
import { auditRoutes } from './audit.ts';
import { authRoutes } from './auth.ts';
import { credentialRoutes } from './credentials.ts';
import { inferenceRoutes } from './inferences.ts';
import { modelGrantRoutes } from './model-grants.ts';
import { invitationRoutes } from './invitations.ts';
import { modelRoutes } from './models.ts';
import { notificationRoutes } from './notifications.ts';
import { operationRoutes } from './operations.ts';
import { passwordRoutes } from './passwords.ts';
import { replayRoutes } from './replay.ts';
import type { RouteContract } from './route.ts';
import { signInRoutes } from './sign-in.ts';
import { tenantRoutes } from './tenants.ts';
import { userRoutes } from './users.ts';

/** Every route of the HTTP border. */
export const allRoutes: readonly RouteContract[] = [
  inferenceRoutes,
  modelRoutes,
  modelGrantRoutes,
  authRoutes,
  passwordRoutes,
  signInRoutes,
  tenantRoutes,
  userRoutes,
  invitationRoutes,
  apiKeyRoutes,
  credentialRoutes,
  auditRoutes,
  replayRoutes,
  operationRoutes,
  notificationRoutes,
].flatMap((table) => Object.values<RouteContract>(table));
