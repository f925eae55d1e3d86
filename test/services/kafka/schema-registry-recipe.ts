// The schema registry: Apicurio with Confluent's API, from Maven, its schemas in a file that survives kill -9. Needs Java 17 and Maven.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { openServerProcess } from '../server-process.ts';
import type { ServiceRecipe } from '../service.ts';
import { fetchJars, jarsFolder, JVM_OPTIONS } from './fetch-jars.ts';

const VERSION = '2.6.13.Final'; // 3.x needs Java 21
const NAME = `apicurio-${VERSION}`;

export const schemaRegistryRecipe: ServiceRecipe = {
  name: 'schema-registry',
  async install(cache) {
    await fetchJars(cache, NAME, 'registry', { 'apicurio.version': VERSION });
  },
  async start({ cache, folder }) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
    const jars = jarsFolder(cache, NAME);
    const jar = readdirSync(jars).find((file) => file.endsWith('-runner.jar'));
    if (jar === undefined) throw new Error(`${jars} holds no *-runner.jar`);
    const server = await openServerProcess({
      command: 'java',
      args: [
        ...JVM_OPTIONS,
        '-Xms64m',
        '-Xmx256m',
        '-Dquarkus.http.host=127.0.0.1',
        `-Dquarkus.http.port=${port}`,
        '-Dquarkus.http.access-log.enabled=false',
        '-Dquarkus.log.level=WARN',
        '-Dquarkus.log.category."io.apicurio".level=WARN',
        // WRITE_DELAY=0: a schema that was answered for is on disk
        '-Dquarkus.datasource.jdbc.url=jdbc:h2:file:./schemas;WRITE_DELAY=0',
        '-jar',
        join(jars, jar),
      ],
      cwd: folder,
      logFile: join(folder, 'schema-registry.log'),
      answers: () => answers(port, url),
      endBy: 'SIGKILL',
    });
    return { name: 'schema-registry', environment: { SCHEMA_REGISTRY_URL: url }, ...server };
  },
};

/** Ready, and its default compatibility set: Apicurio's own would be NONE. */
async function answers(port: number, url: string): Promise<boolean> {
  const ready = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(2_000) });
  if (!ready.ok) return false;
  const set = await fetch(`${url}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"compatibility":"BACKWARD"}',
    signal: AbortSignal.timeout(5_000),
  });
  return set.ok;
}
