import { snapshotShapeOf } from '#events/aggregates.ts';
import { projectionVersions } from '#events/projection.ts';
import { inferences } from '#events/inference.ts';
import type { Standing } from '#events/standing.ts';
import { createSnapshots } from '#platform/event-store/snapshots.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import type { Log } from '#platform/logging/log.ts';
import type { ModelManifest } from '#platform/model-host/model-manifest.ts';
import type { Ports } from '#platform/platform.ts';
import { openVersionStates } from '#platform/projection/version-states.ts';
import type { Standings } from '#platform/standing/standings.ts';
import { openAdmission } from './admission.ts';
import { createApiKeyRoutes } from './api-keys/routes.ts';
import type { LoginPorts } from './auth/login.ts';
import { createSignInRoutes } from './auth/routes.ts';
import { createCredentialRoutes } from './credentials/routes.ts';
import { createInferenceRoutes, type InferencePorts } from './inferences/routes.ts';
import { createModelGrantRoutes } from './models/grant-routes.ts';
import { createModelRoutes } from './models/routes.ts';
import { createNotificationRoutes } from './notifications/routes.ts';
import { createOperationRoutes } from './operations/routes.ts';
import { createOrigins } from './origin.ts';
import type { RolePorts } from './members/role-handlers.ts';
import { createPasswordRoutes } from './passwords/routes.ts';
import { createTenantRoutes } from './tenants/routes.ts';
import { createUserRoutes } from './users/routes.ts';

export interface CommandApiOptions {
  readonly ports: Pick<
    Ports,
    | 'store'
    | 'partitionOf'
    | 'readStore'
    | 'contents'
    | 'keyring'
    | 'live'
    | 'tokens'
    | 'serverKey'
    | 'accessKeys'
    | 'passwords'
    | 'attempts'
  >;
  readonly standings: Standings<Standing>;
  readonly manifestOf: (source: string) => Promise<ModelManifest | undefined>;
  readonly upstreamFault: (source: string, tenantId: string) => Promise<string | undefined>;
  /** What answers show of the read side. */
  readonly reads: Pick<InferencePorts, 'waitForInference' | 'modelNames'> &
    Pick<RolePorts, 'apiKeysMadeBy'> &
    Pick<LoginPorts, 'homeOf' | 'wornSessionsOf'>;
  /** Told of each person who signs in. */
  readonly onSignedIn: LoginPorts['onSignedIn'];
  readonly inferenceTimeoutMs: number;
  readonly mostOutstanding: number;
  /** Requests a minute of keys for which nothing else was set; undefined where they are not counted. */
  readonly limitPerKey: number | undefined;
  /** The names of the read models that this installation keeps. */
  readonly readModels: readonly string[];
  readonly log: Log;
  readonly now: () => number;
}

/** The command side's routes, ready to be served. */
export function openCommandApi(options: CommandApiOptions): { readonly routes: BoundRoute[]; close(): void } {
  const { ports, standings, manifestOf, upstreamFault, log, now } = options;
  const { store, partitionOf, readStore, contents, keyring, live, tokens, serverKey, accessKeys, passwords, attempts } =
    ports;
  const states = openVersionStates({ store, readStore, live, log, ...projectionVersions });
  const shared = {
    store,
    standings,
    snapshots: createSnapshots(readStore, snapshotShapeOf, log),
    tokens,
    origins: createOrigins({ secret: serverKey, keyring }),
  };
  const { apiKeysMadeBy, homeOf, wornSessionsOf, ...inferenceReads } = options.reads;
  const signingIn = { ...shared, contents, serverKey, accessKeys, passwords, attempts, homeOf, now };
  const admission = openAdmission({
    live,
    mostOutstanding: options.mostOutstanding,
    partitionOf: (stream) => partitionOf(inferences.topic, stream),
    timeoutMs: options.inferenceTimeoutMs,
  });
  return {
    routes: [
      ...createInferenceRoutes({
        ...shared,
        contents,
        live,
        timeoutMs: options.inferenceTimeoutMs,
        now,
        ...inferenceReads,
        admission,
      }),
      ...createSignInRoutes({ ...signingIn, wornSessionsOf, onSignedIn: options.onSignedIn, log }),
      ...createPasswordRoutes(signingIn),
      ...createTenantRoutes({ ...shared, keyring, now }),
      ...createUserRoutes({ ...signingIn, keyring, apiKeysMadeBy }),
      ...createApiKeyRoutes({ ...shared, secret: serverKey, limitPerKey: options.limitPerKey, now }),
      ...createCredentialRoutes({ ...shared, keyring }),
      ...createModelRoutes({ ...shared, manifestOf, upstreamFault }),
      ...createModelGrantRoutes(shared),
      ...createNotificationRoutes({ ...shared, now }),
      ...createOperationRoutes({ ...shared, readStore, states, readModels: options.readModels }),
    ],
    close() {
      admission.close();
      states.close();
    },
  };
}
