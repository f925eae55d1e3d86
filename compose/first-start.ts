// What must be there before anyone can use an installation: the first tenants, a key, the models that come with the
// program and those that are there for the asking. Doing it again changes nothing.

import { join } from 'node:path';
import { createFirstTenants, registerPlatformModel } from '../command-api/bootstrap.ts';
import { discoverModels, type Upstream } from '../command-api/discover-models.ts';
import { type FirstAdmin, makeFirstAdmin } from '../command-api/first-admin.ts';
import { type FirstKey, makeFirstKey } from '../command-api/first-key.ts';
import { builtInDefinition } from '../command-api/models/definition.ts';
import { createKeyCallers } from './key-callers.ts';
import type { Standing } from '#events/standing.ts';
import type { Refusal } from '#platform/auth/authenticate.ts';
import type { Config } from '#platform/config.ts';
import type { Log } from '#platform/logging/log.ts';
import { readModelManifest } from '#platform/model-host/model-manifest.ts';
import { discoverOpenAi, modelsFolder, type Ports } from '#platform/platform.ts';
import type { Standings } from '#platform/standing/standings.ts';

/** The models that come with the program, by their folders. */
const BUILT_IN = ['language-id', 'tiny-writer'] as const;
const OPENAI_LIST_MS = 5_000;
const OLLAMA_LIST_MS = 300;

/** Why a key that was given is not let in: an administrator may have decided so since it was issued. */
const REFUSALS: Partial<Readonly<Record<Refusal, string>>> = {
  revoked: 'it was revoked',
  suspended: 'its tenant is suspended',
  expired: 'its time is over',
};

export interface FirstStartParts {
  readonly ports: Pick<Ports, 'store' | 'keyring' | 'contents' | 'serverKey' | 'passwords'>;
  readonly standings: Standings<Standing>;
  readonly config: Config;
  /** Whether a key and a password that are made can be shown to a person; otherwise they go to files in DATA_DIR. */
  readonly shown: boolean;
  readonly log: Log;
}

/** What a first start has made, for the person who started it. */
export interface FirstThings {
  readonly firstKey: FirstKey;
  readonly firstAdmin: FirstAdmin;
}

export async function makeFirstThings(parts: FirstStartParts): Promise<FirstThings> {
  const { ports, standings, config, shown, log } = parts;
  const { store, keyring } = ports;
  await createFirstTenants({ store, keyring, standings, now: Date.now });
  for (const name of BUILT_IN) {
    const manifest = await readModelManifest(join(modelsFolder, name));
    await registerPlatformModel({ store, standings }, builtInDefinition(name, name, manifest), ['*']);
  }
  const { apiKey, dataDir, adminEmail: email, adminPassword: password } = config;
  const whose = { email, password, dataDir, shown };
  const firstAdmin = await makeFirstAdmin({ ...ports, standings, now: Date.now, ...whose });
  const firstKey = await makeFirstKey({ store, standings, apiKey, dataDir, shown });
  if (apiKey !== undefined) {
    const answer = await createKeyCallers(standings)(apiKey, undefined, Date.now());
    if (!answer.ok)
      log.warn(
        {},
        `The key in API_KEY is not let in: ${REFUSALS[answer.reason] ?? 'the key of its id has another secret'}. npm run key -- new makes another.`,
      );
  }
  return { firstKey, firstAdmin };
}

/** Registers what is found at OpenAI and Ollama, where asked to; answers the names by upstream. */
export async function discover(config: Config, ports: Parameters<typeof discoverModels>[0] & { readonly log: Log }) {
  if (!config.discover) return [];
  const { openaiApiKey, openaiUpstreamUrl, ollamaUrl } = config;
  const list = (baseUrl: string, timeoutMs: number, secret?: string) => () =>
    discoverOpenAi({ baseUrl, timeoutMs, log: ports.log, ...(secret !== undefined && { secret }) });
  const upstreams: Upstream[] = [
    { title: 'Ollama', baseUrl: ollamaUrl, variable: undefined, list: list(ollamaUrl, OLLAMA_LIST_MS) },
  ];
  if (openaiApiKey !== undefined)
    upstreams.push({
      title: new URL(openaiUpstreamUrl).host,
      baseUrl: openaiUpstreamUrl,
      variable: 'OPENAI_API_KEY',
      list: list(openaiUpstreamUrl, OPENAI_LIST_MS, openaiApiKey),
    });
  return discoverModels(ports, upstreams);
}
