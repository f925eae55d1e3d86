// A real Elasticsearch without its distribution: the engine's jars from Maven and three small Java classes that start it.
// The modules of the distribution are not in it: no scripts, no *_by_query, no security, no `GET /`.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { openServerProcess } from '../server-process.ts';
import type { ServiceRecipe } from '../service.ts';

const version = '8.19.21';
const heap = '512m';
const here = import.meta.dirname;
const run = promisify(execFile);
const installed = (cache: string) => join(cache, `elasticsearch-${version}`);

export const elasticsearchRecipe: ServiceRecipe = {
  name: 'elasticsearch',

  async install(cache) {
    if (existsSync(installed(cache))) return;
    const staged = mkdtempSync(join(cache, 'elasticsearch-staged-'));
    try {
      const jars = join(staged, 'lib');
      await tool('mvn', [
        '-B',
        '-q',
        '-f',
        join(here, 'pom.xml'),
        `-Delasticsearch.version=${version}`,
        'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
        `-DoutputDirectory=${jars}`,
        '-DincludeScope=runtime',
      ]);
      const sources = globSync('src/**/*.java', { cwd: here }).map((name) => join(here, name));
      const classes = join(staged, 'classes');
      await tool('javac', ['--release', '17', '-nowarn', '-cp', join(jars, '*'), '-d', classes, ...sources]);
      renameSync(staged, installed(cache));
    } catch (error) {
      // Another process may have been the first.
      if (!existsSync(installed(cache))) throw error;
    } finally {
      rmSync(staged, { recursive: true, force: true });
    }
  },

  async start({ cache, folder }) {
    const [port, transport] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const [config, home, temporary] = ['config', 'home', 'tmp'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const made of [config, home, temporary]) mkdirSync(made, { recursive: true });
    cpSync(join(here, 'config'), config, { recursive: true });
    writeFileSync(join(config, 'elasticsearch.yml'), settings(port, transport));
    const health = `${url}/_cluster/health?wait_for_status=yellow&timeout=3s`;
    const classPath = [join(installed(cache), 'classes'), join(installed(cache), 'lib', '*')].join(':');
    const server = await openServerProcess({
      command: 'java',
      // A short start and little memory matter more here than peak speed.
      args: [
        `-Xms${heap}`,
        `-Xmx${heap}`,
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-XX:+ExitOnOutOfMemoryError',
        `-Djava.io.tmpdir=${temporary}`,
        '-Djna.nosys=true',
        '-cp',
        classPath,
        'defter.Main',
        home,
        config,
      ],
      logFile: join(folder, 'log'),
      readyWithinMs: 120_000,
      answers: async () => (await fetch(health, { signal: AbortSignal.timeout(5_000) })).ok,
      // On SIGTERM it waits for merges, which nobody needs here.
      endBy: 'SIGKILL',
    });
    return { name: 'elasticsearch', environment: { ELASTICSEARCH_URL: url }, ...server };
  },
};

const settings = (port: number, transport: number) => `
cluster.name: defter-tests
node.name: defter
discovery.type: single-node
network.host: 127.0.0.1
http.port: ${port}
transport.port: ${transport}
# A nearly full disk must not make the indices read-only in tests.
cluster.routing.allocation.disk.threshold_enabled: false
cluster.max_shards_per_node: 5000
`;

async function tool(command: string, args: readonly string[]): Promise<void> {
  try {
    await run(command, args, { maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    const needs = 'Elasticsearch for tests is put together with Maven and a JDK of 17 or newer';
    if (code === 'ENOENT') throw new Error(`${needs}: there is no ${command} on this machine`, { cause: error });
    throw new Error(`${needs}: ${command} failed:\n${`${stdout}${stderr}`.slice(-3_000)}`, { cause: error });
  }
}
