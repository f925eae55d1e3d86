import { expect } from 'chai';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeConfig, loadConfig, parseConfig, type Config } from '#platform/config.ts';
import { createEnvExample } from '#platform/config/env-example.ts';
import { settingsByKey } from '#platform/config/settings.ts';
import { StartError } from '#platform/errors.ts';
import { parseEnv } from 'node:util';

function configOf(env: Record<string, string>, dotenv: Record<string, string> = {}): Config {
  const result = parseConfig(env, dotenv);
  if (!result.ok) throw new Error(result.faults.join(' '));
  return result.config;
}

function faultsOf(env: Record<string, string>): readonly string[] {
  const result = parseConfig(env);
  return result.ok ? [] : result.faults;
}

describe('configuration', () => {
  it('has a default for all that a first start needs', () => {
    const config = configOf({});
    expect(config).to.include({ port: 8080, host: '127.0.0.1', dataDir: './data', discover: true, partitions: 12 });
    expect(config.logDir).to.equal(undefined);
    expect(config.modelMemoryBytes).to.equal(2 ** 30);
    expect(config.shutdownGraceMs).to.equal(10_000);
    expect(config.apiKey).to.equal(undefined);
    expect(config.busMode).to.deep.equal({ kind: 'normal' });
  });

  it('lets the environment override .env, and a blank value mean the default', () => {
    expect(configOf({ PORT: '1' }, { PORT: '2' }).port).to.equal(1);
    expect(configOf({}, { PORT: '2' }).port).to.equal(2);
    expect(configOf({ PORT: ' ' }, { PORT: '2' }).port).to.equal(8080);
  });

  it('reads sizes, times, keys and modes', () => {
    const hex = 'ab'.repeat(32);
    const base64 = Buffer.from(hex, 'hex').toString('base64');
    expect(configOf({ MODEL_MEMORY_BYTES: '1.5GiB' }).modelMemoryBytes).to.equal(1.5 * 2 ** 30);
    expect(configOf({ MODEL_MEMORY_BYTES: '2000000' }).modelMemoryBytes).to.equal(2_000_000);
    expect(configOf({ SHUTDOWN_GRACE: '250ms' }).shutdownGraceMs).to.equal(250);
    expect(configOf({ MASTER_KEY: hex }).masterKey).to.deep.equal(configOf({ MASTER_KEY: base64 }).masterKey);
    expect(configOf({ MASTER_KEY: hex }).masterKey).to.have.length(32);
    expect(configOf({ BUS_MODE: 'adversarial:7' }).busMode).to.deep.equal({ kind: 'adversarial', seed: 7 });
    expect(configOf({ LOG_DIR: 'off' }).logDir).to.equal(null);
    expect(configOf({ DISCOVER: 'OFF' }).discover).to.equal(false);
    expect(configOf({ OLLAMA_URL: 'http://10.0.0.1:1/v1/' }).ollamaUrl).to.equal('http://10.0.0.1:1/v1');
  });

  it('reports every fault at once, one sentence each, that names its variable', () => {
    const wrong = {
      PORT: '65536',
      API_KEY: 'too-short',
      MASTER_KEY: 'abc',
      LOG_LEVEL: 'loud',
      DISCOVER: 'constructor',
      OLLAMA_URL: 'localhost',
      SHUTDOWN_GRACE: '10',
      MODEL_MEMORY_BYTES: '1 potato',
      PARTITIONS: '0',
      BUS_MODE: 'adversarial:',
      TRUST_PROXY: 'loopback, everyone',
      LOGIN_LIMIT_PER_ADDRESS: '0',
    };
    const faults = faultsOf(wrong);
    expect(faults.map((fault) => fault.split(' ')[0])).to.have.members(Object.keys(wrong));
    for (const fault of faults) expect(fault).to.match(/^[A-Z_]+ must be [^\n]+, not [^\n]+\.$/);
    expect(faults).to.include('PORT must be a whole number from 0 to 65535, not "65536".');
  });

  it('takes for trusted proxies addresses, networks and names for them, but not everyone', () => {
    const { trustProxy } = configOf({ TRUST_PROXY: 'loopback, 10.0.0.7,10.1.0.0/16, 2001:db8::/32' });
    expect(trustProxy).to.deep.equal(['loopback', '10.0.0.7', '10.1.0.0/16', '2001:db8::/32']);
    for (const all of ['0.0.0.0/0', '::/0', 'true', '10.0.0.0/33', 'proxy.example'])
      expect(faultsOf({ TRUST_PROXY: all }), all).to.have.length(1);
  });

  it('repeats no secret in a fault, nor a URL with a password', () => {
    const faults = faultsOf({ API_KEY: 'hunter2', OLLAMA_URL: 'http://me:hunter2@host/v1' });
    expect(faults).to.have.length(2);
    expect(faults.join()).not.to.include('hunter2');
  });

  it('prints secrets as ***, and the rest so that it reads back the same', () => {
    const config = configOf({
      API_KEY: 's'.repeat(32),
      OPENAI_API_KEY: 'sk-hidden',
      LOG_DIR: 'off',
      LOG_MAX_BYTES: '5MiB',
    });
    const shown = describeConfig(config);
    expect(shown).to.include({
      API_KEY: '***',
      OPENAI_API_KEY: '***',
      LOG_DIR: 'off',
      LOG_MAX_BYTES: '5MiB',
      PORT: '8080',
    });
    expect(shown).not.to.have.property('MASTER_KEY');
    const { API_KEY: _, OPENAI_API_KEY: __, ...rest } = shown;
    expect(configOf(rest)).to.deep.equal({ ...config, apiKey: undefined, openaiApiKey: undefined });
  });

  it('can be cloned into a worker thread', () => {
    const config = configOf({ MASTER_KEY: '0'.repeat(64), BUS_MODE: 'adversarial:1' });
    expect(structuredClone(config)).to.deep.equal(config);
  });

  it('reads .env in its folder, and does without', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'defter-config-'));
    try {
      const before = loadConfig(folder).partitions;
      await writeFile(join(folder, '.env'), '# a comment\nPARTITIONS="5"\nSOMETHING_ELSE=1\n');
      expect(before).to.equal(12);
      expect(loadConfig(folder).partitions).to.equal(5);
      await writeFile(join(folder, '.env'), 'PARTITIONS=none\nMAX_OUTSTANDING=-1\n');
      expect(() => loadConfig(folder))
        .to.throw(StartError)
        .with.property('faults')
        .that.has.length(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('.env.example', () => {
  it('is what cli/env-example.ts prints', async () => {
    expect(await readFile(new URL('../../.env.example', import.meta.url), 'utf8')).to.equal(createEnvExample());
  });

  it('names every setting but the hidden ones, and changes nothing when it is copied', () => {
    const text = createEnvExample();
    for (const [, { name, hidden }] of settingsByKey) expect(text.includes(`\n# ${name}=`), name).to.equal(!hidden);
    expect(parseEnv(text)).to.deep.equal({});
  });

  it('holds defaults that are valid when they are uncommented', () => {
    const uncommented = createEnvExample().replaceAll(/^# ([A-Z_]+=)/gm, '$1');
    expect(configOf({}, parseEnv(uncommented) as Record<string, string>)).to.deep.equal(configOf({}));
  });
});
