// Facts that Dockerfile and docker-compose.yml must keep.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { load as loadYaml } from 'js-yaml';
import { allServices } from '../../compose/services.ts';
import { settingsByKey } from '#platform/config/settings.ts';

interface ComposeService {
  readonly image: string;
  readonly profiles: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string) => readFileSync(join(root, name), 'utf8');

/** YAML's merge keys (`<<`), which version 1.2 of it no longer has and Compose keeps. */
function merged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { '<<': base, ...own } = value as Record<string, unknown>;
  const entries = Object.entries(own).map(([key, each]) => [key, merged(each)] as const);
  return { ...(merged(base) as object | undefined), ...Object.fromEntries(entries) };
}

const compose = merged(loadYaml(read('docker-compose.yml'))) as {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image.startsWith('defter:'));

describe('docker-compose.yml', () => {
  it('runs every service that main.ts has, each in its container', () => {
    const full = ours.filter(([, { profiles }]) => profiles.includes('full'));
    const commands = full.map(([, { command = [] }]) => command.join(' '));
    expect(commands.sort()).to.deep.equal([...allServices.map(({ name }) => name), 'migrate'].sort());
    expect(ours.filter(([, { profiles }]) => profiles.includes('embedded')).map(([name]) => name)).to.deep.equal([
      'defter',
    ]);
  });

  it('sets only what Defter knows, and all that its services need', () => {
    const known = new Set(settingsByKey.map(([, { name }]) => name));
    for (const [name, { environment = {} }] of ours) {
      for (const variable of Object.keys(environment))
        expect(known.has(variable), `${name}: ${variable}`).to.equal(true);
    }
    const shared = ['EVENTSTORE_URL', 'KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'REDIS_URL', 'ELASTICSEARCH_URL'];
    for (const [name, { environment = {}, profiles }] of ours) {
      if (!profiles.includes('full')) continue;
      const needed = [...shared, 'S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', 'MASTER_KEY', 'API_KEY'];
      expect(environment, name).to.include.keys(...needed);
    }
  });

  it('checks the health of every container, pins every image and starts again what ends', () => {
    for (const [name, service] of services) {
      expect(service.image, name)
        .to.match(/:[^:]*\d/)
        .and.not.include('latest');
      expect(service.security_opt, name).to.include('no-new-privileges:true');
      if (name === 'migrate') continue;
      // Defter's own are checked as the Dockerfile says.
      if (service.image.startsWith('defter:')) expect(service.healthcheck, name).to.equal(undefined);
      else expect(service.healthcheck?.test?.length, name).to.be.greaterThan(1);
      expect(service.restart, name).to.equal('unless-stopped');
    }
  });

  it('gives Defter no rights it does not need, and time to drain', () => {
    for (const [name, service] of ours) {
      expect(service.read_only, name).to.equal(true);
      expect(service.cap_drop, name).to.deep.equal(['ALL']);
      const grace = Number.parseInt(service.environment?.['SHUTDOWN_GRACE'] ?? '', 10);
      expect(Number.parseInt(service.stop_grace_period ?? '', 10), name).to.be.greaterThan(grace);
      expect(service.volumes ?? [], name).to.deep.equal(name === 'defter' ? ['defter:/data'] : []);
    }
  });

  it('starts services only once migrate is done', () => {
    for (const [name, { depends_on, profiles }] of ours) {
      if (name === 'migrate' || !profiles.includes('full')) continue;
      expect(depends_on, name).to.deep.equal({ migrate: { condition: 'service_completed_successfully' } });
    }
  });

  it('opens one port, to this machine alone', () => {
    const opened = services.filter(([, { ports = [] }]) => ports.length > 0);
    expect(opened.map(([name]) => name).sort()).to.deep.equal(['defter', 'gateway']);
    for (const [name, { ports = [] }] of opened)
      for (const port of ports) expect(port, name).to.match(/^127\.0\.0\.1:/);
  });

  it('keeps what must outlive a container in volumes, and the vault where no versions can be', () => {
    for (const name of ['eventstore', 'kafka', 'redis', 'elasticsearch', 'chroma', 's3']) {
      expect(compose.services[name]?.volumes?.[0], name).to.match(new RegExp(`^${name}:/`));
      expect(compose.volumes).to.have.property(name);
    }
    expect(compose.services['s3']?.command?.join(' ')).to.not.include('versioning');
    expect(compose.services['eventstore']?.environment?.['EVENTSTORE_MEM_DB']).to.equal('false');
    expect(compose.services['kafka']?.environment?.['KAFKA_AUTO_CREATE_TOPICS_ENABLE']).to.equal('false');
    const redis = compose.services['redis']?.command?.join(' ');
    expect(redis).to.include('--appendonly yes').and.include('noeviction');
  });

  it('holds no secret, and asks for each', () => {
    for (const [, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (/KEY|SECRET|TOKEN|PASSWORD/.test(variable)) expect(value, variable).to.match(/^\$\{\w+:[?-]/);
      }
    }
    const made = execFileSync('sh', [join(root, 'docker/new-env.sh')], { encoding: 'utf8' });
    const asked = [...read('docker-compose.yml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
    for (const name of new Set(asked)) expect(made).to.match(new RegExp(`^${name}=\\S{12,}$`, 'm'));
  });
});

describe('README.md', () => {
  it('starts every service in its example of services over servers', () => {
    const started = [...read('README.md').matchAll(/^run .*$/gm)].join('\n').matchAll(/run (\S+) \d+/g);
    expect([...started].map(([, name]) => name)).to.have.members(allServices.map(({ name }) => name));
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');
  const ignored = read('.dockerignore').split('\n');

  it('runs on the Node that the tests run on, not as root, by exec', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
    expect(dockerfile).to.include(`ARG NODE_VERSION=${devDependencies['node']}\n`);
    expect(dockerfile).to.match(/^USER [1-9]\d*:\d+$/m);
    expect(dockerfile).to.match(/^ENTRYPOINT \["node", "main\.ts"\]$/m);
    expect(dockerfile).to.not.match(/latest/);
  });

  it('tells whether it is healthy, on the port that a service alone has or on the one of all in one', async () => {
    const [, text = ''] = /^HEALTHCHECK .* CMD (\[(?:.*\\\n)+.*\])$/m.exec(dockerfile) ?? [];
    const [command, ...args] = JSON.parse(text.replaceAll('\\\n', '')) as string[];
    expect(command).to.equal('node');
    let status = 200;
    const server = createServer((incoming, answer) =>
      answer.writeHead(incoming.url === '/healthz' ? status : 404).end(),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    const check = async (env: Record<string, string>) => {
      const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
      const [code] = (await once(child, 'exit')) as [number];
      return code;
    };
    expect(await check({ OPS_PORT: port })).to.equal(0);
    expect(await check({ PORT: port })).to.equal(0);
    status = 503;
    expect(await check({ OPS_PORT: port })).to.equal(1);
    server.close();
    server.closeAllConnections();
    expect(await check({ OPS_PORT: port })).to.equal(1);
  });

  it('has what a start compiles, by the user who starts it and may read it', () => {
    const [before = '', after = ''] = dockerfile.split(/^USER .*$/m);
    const [, folder = ''] = /new URL\('\.\/(node_modules\/[^']+)'/.exec(read('main.ts')) ?? [];
    expect(before)
      .to.match(/^RUN install -d -o node -g node /m)
      .and.to.include(folder);
    expect(after).to.match(/^RUN .*node main\.ts && rm -rf \/tmp\/first-start$/m);
  });

  it('takes every room in, and no secrets', () => {
    const rooms = [...read('main.ts').matchAll(/'\.\/([\w-]+)\//g)].map(([, room]) => room);
    for (const room of [
      ...rooms,
      'events',
      'contracts',
      'platform',
      'models',
      'projectors',
      'command-api',
      'query-api',
    ]) {
      expect(ignored, room).to.not.include(room);
    }
    expect(ignored).to.include.members(['.*', 'data', '**/node_modules', 'test']);
    expect(readdirSync(root)).to.include.members(['main.ts', 'package-lock.json', '.npmrc']);
  });
});
