import { credentialRoutes } from '#contracts/credentials.ts';
import { viewCredential } from '#contracts/views.ts';
import { credentials } from '#events/credential.ts';
import { bindRoutes } from '#platform/http/bind-routes.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { standingReadModel } from '../../projectors/standing/read-model.ts';
import type { Freshness } from '../freshness.ts';
import { listStandings } from '../stored-list.ts';

export interface CredentialQueryPorts {
  readonly fresh: Freshness;
}

export function createCredentialRoutes({ fresh }: CredentialQueryPorts): BoundRoute[] {
  return bindRoutes(credentialRoutes, 'query', {
    listCredentials: async (request) => {
      const documents = await fresh.of(standingReadModel, request);
      const { items, next } = await listStandings(documents, credentials.list(request.caller.tenantId), request.query);
      const data = items.flatMap(({ id, standing }) =>
        standing.of === 'credential' ? [viewCredential(id, standing.state.credential)] : [],
      );
      return { status: 200, body: { object: 'list', data, next } };
    },
  });
}
