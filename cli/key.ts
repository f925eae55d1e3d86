// `npm run key -- new [--name NAME] [--tenant ID] [--scopes a,b]`: makes an API key and prints it, alone on standard output;
// what it is goes to standard error. Without scopes a key of `default` may do everything, another tenant's what its
// administrator may. It appends to the log itself, so it works whether the server runs or not, and needs no key: who may
// write the data folder may do anything.

import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PERMISSIONS, ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import { apiKeys } from '#events/api-key.ts';
import { tenants } from '#events/tenant.ts';
import { createApiKey, hashApiKey } from '#platform/auth/api-key.ts';
import { loadConfig, misspeltSettingsFound } from '#platform/config.ts';
import { printServers } from '#platform/config/event-store-url.ts';
import { StartError } from '#platform/errors.ts';
import { createStderrLog } from '#platform/logging/stderr-log.ts';
import { newId } from '#platform/new-id.ts';
import { openLog } from '#platform/platform.ts';
import { eventLanguage } from '../compose/event-language.ts';
import { DEFAULT_TENANT } from '../command-api/bootstrap.ts';
import { decideIssueApiKey } from '../command-api/api-keys/decide.ts';

const USAGE = 'usage: npm run key -- new [--name NAME] [--tenant ID] [--scopes inference:write,inference:read]';

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: { type: 'string', default: 'made on the command line' },
        tenant: { type: 'string', default: DEFAULT_TENANT },
        scopes: { type: 'string' },
      },
    });
    if (positionals.length !== 1 || positionals[0] !== 'new') throw new StartError(USAGE);
    // The key of the operator's own tenant is the operator's; another tenant's reaches no further than that tenant.
    const role = values.tenant === DEFAULT_TENANT ? 'platform-admin' : 'admin';
    return { ...values, scopes: values.scopes?.split(',') ?? ROLE_PERMISSIONS[role] };
  } catch (error) {
    throw error instanceof StartError ? error : new StartError([(error as Error).message, USAGE]);
  }
}

export async function runKey(args: readonly string[]): Promise<void> {
  const { name, tenant, scopes } = parse(args);
  const unknown = scopes.filter((scope) => !(PERMISSIONS as readonly string[]).includes(scope));
  if (unknown.length > 0)
    throw new StartError(`There is no scope ${unknown.join(', ')}; there are: ${PERMISSIONS.join(', ')}.`);
  const log = createStderrLog();
  for (const sentence of misspeltSettingsFound()) log.warn({}, sentence);
  const config = loadConfig();
  const place = config.eventStoreUrl ? printServers(config.eventStoreUrl) : resolve(config.dataDir);
  const store = await openLog(config, eventLanguage, log);
  try {
    const state = (await store.readStream(tenants.stream(tenant))).reduce(tenants.evolve, tenants.initial);
    if (state.status === 'absent')
      throw new StartError(
        `There is no tenant ${tenant} in ${place}${tenant === DEFAULT_TENANT ? '; npm start makes it' : ''}.`,
      );
    const id = newId();
    const key = createApiKey(id, randomBytes(32));
    const [event] = decideIssueApiKey(
      {
        name,
        hash: hashApiKey(key),
        last4: key.slice(-4),
        scopes,
        expiresAt: null,
        models: null,
        personId: null,
        origin: {
          eventId: newId(),
          commandId: id,
          tenantId: tenant,
          actor: { kind: 'system', id: 'cli' },
          correlationId: id,
        },
      },
      apiKeys.initial,
    );
    await store.append(apiKeys.stream(id), [event!], 'no_stream');
    process.stdout.write(`${key}\n`);
    process.stderr.write(`The key ${id} in ${place}, of tenant ${tenant}, may: ${scopes.join(', ')}.\n`);
  } finally {
    await store.close();
  }
}
