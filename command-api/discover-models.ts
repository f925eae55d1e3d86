// Models that are there for the asking at start: those of the OpenAI account whose key is in the environment, and those
// of an Ollama on this machine.

import { modelNameSchema } from '#contracts/models.ts';
import { PLATFORM, models } from '#events/model.ts';
import { loadState } from '#platform/event-store/load-state.ts';
import type { Log } from '#platform/logging/log.ts';
import { DEFAULT_TENANT, registerPlatformModel, storeEnvironmentCredential } from './bootstrap.ts';
import type { CommandPorts } from './run-command.ts';
import { upstreamDefinition } from './models/definition.ts';

/** More are left for the administrator to register by name. */
const MOST_MODELS = 200;

export interface Upstream {
  readonly title: string;
  readonly baseUrl: string;
  /** The environment variable that holds its key, if it needs one. */
  readonly variable: string | undefined;
  /** Its models' names; undefined when it does not answer. */
  readonly list: () => Promise<readonly string[] | undefined>;
}

/** Names of the models registered, by upstream; one that does not answer is left out. */
export async function discoverModels(ports: CommandPorts & { readonly log: Log }, upstreams: readonly Upstream[]) {
  const found: { readonly title: string; readonly models: readonly string[] }[] = [];
  for (const upstream of upstreams) {
    const names = await upstream.list();
    if (names) found.push({ title: upstream.title, models: await register(ports, upstream, names) });
  }
  return found;
}

async function register(ports: CommandPorts & { readonly log: Log }, upstream: Upstream, names: readonly string[]) {
  const { title, baseUrl, variable } = upstream;
  const credentialId = variable === undefined ? undefined : await storeEnvironmentCredential(ports, variable);
  // A paid account is the operator's own until they grant it; what runs on this machine is for all.
  const grantedTo = variable === undefined ? ['*'] : [DEFAULT_TENANT];
  const registered: string[] = [];
  for (const name of names.slice(0, MOST_MODELS)) {
    if (!modelNameSchema.safeParse(name).success || (await isTaken(ports, name, baseUrl))) {
      ports.log.warn({ model: name, upstream: title }, 'a discovered model was left out: its name cannot be used');
      continue;
    }
    const definition = upstreamDefinition(name, {
      runtime: 'openai',
      source: baseUrl,
      description: `${name}, found at ${title}`,
      parameters: [],
      anyParameter: true,
      ...(credentialId !== undefined && { credentialId }),
    });
    if (await registerPlatformModel(ports, definition, grantedTo)) registered.push(name);
  }
  return registered;
}

/** Whether the platform's model of this name comes from somewhere else. */
async function isTaken({ store, snapshots }: CommandPorts, name: string, baseUrl: string): Promise<boolean> {
  const { state } = await loadState({ store, snapshots, stream: models.stream(PLATFORM, name), decider: models });
  return state.status === 'registered' && state.model.definition.source !== baseUrl;
}
