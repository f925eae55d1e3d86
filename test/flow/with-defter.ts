// A flow suite runs against a whole Defter of its own, once with the bus as it is and once with a bus that interleaves
// partitions, splits batches and delivers again.

import { randomBytes } from 'node:crypto';
import { ROLE_PERMISSIONS } from '#contracts/permissions.ts';
import { type Api, createApi } from '../support/api-client.ts';
import { type RunningDefter, startDefter } from '../support/start-defter.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

export interface Flow {
  /** As tenant `default`, with every permission. */
  readonly api: Api;
  readonly url: string;
  readonly key: string;
  readonly dataDir: string;
  /** A client with another key. */
  readonly as: (key: string | undefined) => Api;
  /** A new tenant and a client with a key of its own, which has the scopes named. */
  readonly newTenant: (name: string, scopes?: readonly string[]) => Promise<{ id: string; api: Api; key: string }>;
}

const MODES = ['normal', 'adversarial:20261123'];

const TENANT_SCOPES = ROLE_PERMISSIONS.admin;

/** Starts a server before the suite and ends it after; its exit code must be 0. */
export function describeFlow(
  title: string,
  tests: (flow: () => Flow) => void,
  env: Readonly<Record<string, string>> = {},
): void {
  for (const mode of MODES)
    describe(`${title} (bus: ${mode.split(':')[0]})`, () => {
      let folder: Awaited<ReturnType<typeof temporaryFolder>>;
      let defter: RunningDefter;
      const key = randomBytes(24).toString('hex');

      before(async function () {
        this.timeout(60_000);
        folder = await temporaryFolder();
        defter = await startDefter(folder.path, { API_KEY: key, BUS_MODE: mode, CHECK_ANSWERS: 'on', ...env });
      });

      after(async function () {
        this.timeout(30_000);
        const code = await defter.stop();
        await folder.remove();
        if (code !== 0) throw new Error(`Defter ended with ${code}:\n${defter.printed()}`);
      });

      tests(() => {
        const api = createApi(defter.url, key);
        return {
          api,
          url: defter.url,
          key,
          dataDir: folder.path,
          as: (other) => createApi(defter.url, other),
          async newTenant(name, scopes = TENANT_SCOPES) {
            const tenant = await api<{ id: string }>('POST', '/v1/tenants', { body: { name } });
            if (tenant.status !== 201) throw new Error(`no tenant: ${JSON.stringify(tenant.body)}`);
            const { id } = tenant.body;
            const issued = await api<{ key: string }>('POST', '/v1/api-keys', { body: { name, scopes, tenantId: id } });
            if (issued.status !== 201) throw new Error(`no key: ${JSON.stringify(issued.body)}`);
            return { id, key: issued.body.key, api: createApi(defter.url, issued.body.key) };
          },
        };
      });
    });
}
