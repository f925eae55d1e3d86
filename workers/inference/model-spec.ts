// What the model host needs to run a registered model: its definition, and its credential's value.

import { credentials } from '#events/credential.ts';
import { type Model, PLATFORM } from '#events/model.ts';
import type { Standing } from '#events/standing.ts';
import { type ModelSpec, ModelLoadError } from '#platform/model-host/model-runtime.ts';
import type { Standings } from '#platform/standing/standings.ts';

export interface ModelSpecOptions {
  readonly standings: Pick<Standings<Standing>, 'get'>;
  /** The value of a tenant's secret in the vault; undefined when it is gone. */
  readonly readSecret: (secretId: string, tenantId: string) => Promise<string | undefined>;
  readonly environment: (name: string) => string | undefined;
  /** Models of tenants may not call addresses inside the network, unless the installation allows it. */
  readonly allowPrivateUpstreams: boolean;
}

export function createModelSpecs({ standings, readSecret, environment, allowPrivateUpstreams }: ModelSpecOptions) {
  const secretOf = async (owner: string, credentialId: string): Promise<string> => {
    const [standing] = await standings.get([credentials.stream(credentialId)]);
    const state = standing?.of === 'credential' ? standing.state : undefined;
    if (state?.status !== 'stored' || state.credential.tenantId !== owner)
      throw new ModelLoadError(`its credential ${credentialId} does not exist any more`);
    const { environment: variable, secretId } = state.credential;
    const value = variable === null ? await readSecret(secretId ?? credentialId, owner) : environment(variable);
    if (value === undefined) throw new ModelLoadError(`its credential ${credentialId} has no value any more`);
    return value;
  };

  return async ({ owner, revision, definition }: Model): Promise<ModelSpec> => {
    const { name, runtime, source, upstreamModel, credentialId } = definition;
    const allowPrivateNetwork = owner === PLATFORM || allowPrivateUpstreams;
    const spec = {
      key: `${owner}/${name}`,
      revision,
      runtime,
      source,
      options: { upstreamModel: upstreamModel ?? name, allowPrivateNetwork },
    };
    return credentialId === null ? spec : { ...spec, secret: await secretOf(owner, credentialId) };
  };
}
