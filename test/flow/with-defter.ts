// A flow suite runs against a whole Defter of its own: in one process with the bus as it is, in one process with a bus
// that interleaves partitions, splits batches and delivers again, and with every service its own process over real servers.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { PERMISSIONS, ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import type { Projection } from '#platform/projection/projection.ts';
import { everyReadModel, readModelsOf } from '../../projectors/read-models.ts';
import { describeOn } from '../services/describe-on.ts';
import { type Api, createApi } from '../support/api-client.ts';
import { loseDocuments } from '../support/redis-namespace.ts';
import { startDefter } from '../support/start-defter.ts';
import { SHARED_SERVICES, startDistributed } from '../support/start-distributed.ts';
import { storedBytes, storedValues } from '../support/stored-bytes.ts';
import { storedOnServers, wordOnServers } from '../support/stored-on-servers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

export interface Flow {
  /** As tenant `default`, with every permission. */
  readonly api: Api;
  readonly url: string;
  readonly key: string;
  /** The folder of the log, and in one process of all else. */
  readonly dataDir: string;
  /** The folder of the mails that it would send. */
  readonly outbox: string;
  /** All bytes that are kept anywhere, by place; mails are not. */
  readonly stored: () => Promise<Readonly<Record<string, Buffer>>>;
  /** Where a word is kept folded; `audit.words` is what events are found by in the audit. */
  readonly placesOf: (word: string) => Promise<readonly string[]>;
  /** All that its processes have printed so far. */
  readonly printed: () => string;
  /** Names of the read models that it keeps. */
  readonly readModels: readonly string[];
  /** Where there is a Redis: it loses every document and set of this Defter. */
  readonly loseDocuments: (() => Promise<void>) | undefined;
  /** A client with another key. */
  readonly as: (key: string | undefined) => Api;
  /** A new client of tenant `platform`, with every permission. */
  readonly asPlatform: () => Promise<Api>;
  /** A new tenant and a client with a key of its own, which has the scopes named. */
  readonly newTenant: (name: string, scopes?: readonly string[]) => Promise<{ id: string; api: Api; key: string }>;
}

type Environment = Readonly<Record<string, string>>;

export interface FlowOptions {
  /** Also as what is made before each start. */
  readonly env?: Environment | (() => Promise<Environment>);
  /** Whether the tests look into the data folder, which only the embedded engines have. */
  readonly looksIntoFiles?: boolean;
  /** Whether nothing in it depends on the order in which the bus delivers: one bus in the process will do. */
  readonly anyBus?: boolean;
}

/** A Defter that was started, whichever way. */
interface Started {
  readonly url: string;
  readonly dataDir: string;
  readonly outbox: string;
  readonly readModels: readonly Projection[];
  readonly loseDocuments?: () => Promise<void>;
  printed(): string;
  stored(): Promise<Readonly<Record<string, Buffer>>>;
  placesOf(word: string): Promise<readonly string[]>;
  /** Rejects unless every process ended as asked. */
  stop(): Promise<void>;
}

/** All clients of a test have one address. */
const ROOMY = { LOGIN_LIMIT_PER_ADDRESS: '100000' };

const TENANT_SCOPES = ROLE_PERMISSIONS.admin;

/** Starts Defter before the suite and ends it after; every exit code must be 0. */
export function describeFlow(title: string, tests: (flow: () => Flow) => void, options: FlowOptions = {}): void {
  const given = async () => (typeof options.env === 'function' ? options.env() : options.env);
  for (const mode of options.anyBus ? ['normal'] : ['normal', 'adversarial:20261123'])
    describe(`${title} (bus: ${mode.split(':')[0]})`, () => {
      suite(tests, async (folder, key) =>
        startEmbedded(folder, { API_KEY: key, BUS_MODE: mode, ...ROOMY, ...(await given()) }),
      );
    });
  if (options.looksIntoFiles) return;
  describeOn(SHARED_SERVICES, `${title} (services as processes)`, (services) => {
    suite(tests, async (folder, key) =>
      startProcesses(folder, services, { API_KEY: key, ...ROOMY, ...(await given()) }),
    );
  });
}

function suite(tests: (flow: () => Flow) => void, start: (folder: string, key: string) => Promise<Started>): void {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let defter: Started;
  const key = randomBytes(24).toString('hex');

  before(async function () {
    this.timeout(120_000);
    folder = await temporaryFolder();
    defter = await start(folder.path, key);
  });

  after(async function () {
    this.timeout(60_000);
    await defter.stop();
    await folder.remove();
  });

  tests(() => {
    const api = createApi(defter.url, key);
    const newKey = async (tenantId: string, scopes: readonly string[]) => {
      const body = { name: 'a key', scopes, tenantId };
      const issued = await api<{ key: string }>('POST', '/v1/api-keys', { body });
      if (issued.status !== 201) throw new Error(`no key: ${JSON.stringify(issued.body)}`);
      return issued.body.key;
    };
    return {
      api,
      url: defter.url,
      key,
      dataDir: defter.dataDir,
      outbox: defter.outbox,
      stored: () => defter.stored(),
      placesOf: (word) => defter.placesOf(word),
      printed: () => defter.printed(),
      readModels: defter.readModels.map(({ name }) => name),
      loseDocuments: defter.loseDocuments,
      as: (other) => createApi(defter.url, other),
      asPlatform: async () => createApi(defter.url, await newKey('platform', PERMISSIONS)),
      async newTenant(name, scopes = TENANT_SCOPES) {
        const tenant = await api<{ id: string }>('POST', '/v1/tenants', { body: { name } });
        if (tenant.status !== 201) throw new Error(`no tenant: ${JSON.stringify(tenant.body)}`);
        const { id } = tenant.body;
        const ofTenant = await newKey(id, scopes);
        return { id, key: ofTenant, api: createApi(defter.url, ofTenant) };
      },
    };
  });
}

async function startEmbedded(dataDir: string, env: Readonly<Record<string, string>>): Promise<Started> {
  const defter = await startDefter(dataDir, { CHECK_ANSWERS: 'on', ...env });
  return {
    url: defter.url,
    dataDir,
    outbox: join(dataDir, 'outbox'),
    readModels: readModelsOf({}),
    printed: () => defter.printed(),
    stored: async () => ({ 'data folder': storedBytes(dataDir, ['outbox/']) }),
    async placesOf(word) {
      const index = join(dataDir, 'search.sqlite');
      const places = {
        'data folder': storedBytes(dataDir, ['outbox/', 'search.sqlite']),
        'search index': storedValues(index, /^(?!words audit)/),
        'audit.words': storedValues(index, /^words audit/),
      };
      return Object.entries(places).flatMap(([place, bytes]) => (bytes.includes(word) ? [place] : []));
    },
    async stop() {
      const code = await defter.stop();
      if (code !== 0) throw new Error(`Defter ended with ${code}:\n${defter.printed()}`);
    },
  };
}

async function startProcesses(
  folder: string,
  services: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<Started> {
  const defter = await startDistributed(folder, services, { CHECK_ANSWERS: 'on', ...env });
  return {
    url: defter.url,
    dataDir: defter.logDir,
    outbox: defter.outbox,
    readModels: everyReadModel,
    loseDocuments: () => loseDocuments(defter.env['REDIS_URL'] ?? '', defter.env['NAMESPACE'] ?? ''),
    printed: () => defter.printed(),
    stored: () => storedOnServers(defter.env, defter.logDir),
    placesOf: (word) => wordOnServers(defter.env, defter.logDir, word),
    async stop() {
      const codes = await defter.stop();
      const wrong = [...codes].filter(([, code]) => code !== 0);
      if (wrong.length > 0) throw new Error(`${wrong.join('; ')} is how services ended:\n${defter.printed()}`);
    },
  };
}
