import { expect } from 'chai';
import { loadedBy } from '../support/loaded-by.ts';
import { runTogether } from '../../compose/run-together.ts';
import { allServices, threadsOf } from '../../compose/services.ts';
import type { StartServiceTools } from '../../compose/start-service.ts';
import { parseConfig } from '#platform/config.ts';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { createThreadMetrics } from '#platform/metrics/thread-metrics.ts';
import type { RunningService, Service } from '#platform/service.ts';
import { eventually } from '../support/eventually.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const read = parseConfig({ KAFKA_BROKERS: 'a:9092', SCHEMA_REGISTRY_URL: 'http://a' });
if (!read.ok) throw new Error(read.faults.join(' '));
const { config } = read;
const soon = { firstWaitMs: 1, longestWaitMs: 2, stopGraceMs: 50 };

/** A service whose starts and ends the test sees and decides. */
function steered(name: string, start: () => Partial<RunningService> | Promise<Partial<RunningService>> = () => ({})) {
  const state = { starts: 0, running: 0, fail: (_error: Error): void => undefined };
  const service: Service = {
    name,
    needs: [],
    light: true,
    async start(_use, { fail }) {
      state.starts += 1;
      state.fail = fail;
      const running = await start();
      state.running += 1;
      const stop = async () => void (state.running -= 1);
      return { waitsFor: () => null, lags: { [name]: async () => 7 }, stop, ...running };
    },
  };
  return { service, state };
}

describe('services that share a thread', () => {
  let failed: Error[] = [];
  let stop: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await stop?.();
    failed = [];
  });

  async function run(...services: Service[]) {
    const metrics = createThreadMetrics('main');
    const tools: StartServiceTools = {
      config,
      log: createQuietLog(),
      consumers: createConsumerMetrics(metrics),
      standings: () => Promise.reject(new Error('none asks for them')),
      fail: (error) => void failed.push(error),
    };
    const use = () => Promise.reject(new Error('none has needs'));
    const running = await runTogether(services, use, tools, soon);
    stop = () => running.stop();
    return { ...running, scrape: async () => JSON.stringify(await metrics.collect()) };
  }

  it('are started anew one by one, the others going on', async () => {
    const again = Promise.withResolvers<object>();
    const mail = steered('mail', () => (mail.state.starts === 1 ? {} : again.promise));
    const alerts = steered('alerts');
    const running = await run(mail.service, alerts.service);
    expect(running.waitsFor()).to.deep.equal({ mail: null, alerts: null });
    mail.state.fail(new Error('the server hung up'));
    await eventually(() => expect(mail.state.starts).to.equal(2));
    expect(running.waitsFor()).to.deep.equal({ mail: 'it failed and is being started anew', alerts: null });
    again.resolve({});
    await eventually(() => expect(running.waitsFor()).to.deep.equal({ mail: null, alerts: null }));
    expect(mail.state.running).to.equal(1);
    expect(alerts.state.starts).to.equal(1);
    expect(failed).to.deep.equal([]);
  });

  it('take their thread along when starting them anew does not help', async () => {
    const mail = steered('mail', () => {
      setImmediate(() => mail.state.fail(new Error('the port is broken')));
      return {};
    });
    await run(mail.service, steered('alerts').service);
    await eventually(() => expect(failed.map(({ message }) => message)).to.deep.equal(['the port is broken']));
    expect(mail.state.starts).to.equal(6);
  });

  it('take their thread along when they do not stop: none runs beside itself', async () => {
    const mail = steered('mail', () => ({ stop: () => new Promise(() => undefined) }));
    const running = await run(mail.service, steered('alerts').service);
    stop = undefined;
    mail.state.fail(new Error('stuck'));
    await eventually(() => expect(failed[0]?.message).to.equal('mail did not stop within 50 ms'));
    expect(mail.state.starts).to.equal(1);
    expect(running.waitsFor()['mail']).to.be.a('string');
  });

  it('are the thread when they are alone: ports are opened anew at the first failure', async () => {
    const { service, state } = steered('relay');
    await run(service);
    state.fail(new Error('fenced'));
    await eventually(() => expect(failed.map(({ message }) => message)).to.deep.equal(['fenced']));
    expect(state).to.include({ starts: 1, running: 0 });
  });

  it('all stop when one cannot be started', async () => {
    const fine = steered('fine');
    const broken = steered('broken', () => {
      throw new Error('no');
    });
    const error = await run(fine.service, broken.service).catch((err: unknown) => err);
    expect(error).to.be.an('error').with.property('message', 'no');
    expect(fine.state).to.include({ starts: 1, running: 0 });
  });

  it('have their lags measured as long as they run', async () => {
    const running = await run(steered('mail').service, steered('alerts').service);
    expect(await running.scrape())
      .to.include('"group":"mail"')
      .and.include('"group":"alerts"');
    await running.stop();
    expect(await running.scrape()).to.not.include('"group":"mail"');
  });
});

describe('every service', () => {
  it('has a thread in one process, APIs excepted; light ones share one', () => {
    const light = ['mail', 'alerts', 'timers'].map((name) => steered(name).service);
    const plans = threadsOf([...allServices, ...light], config).map(({ name, services }) => [
      name,
      services.map((service) => service.name),
    ]);
    expect(plans).to.deep.equal([
      ['projectors', ['projectors']],
      ['workers:inference', ['workers:inference']],
      ['workers:relay', ['workers:relay']],
      ['light services', ['workers:mail', 'mail', 'alerts', 'timers']],
    ]);
  });

  it('is left out of one process that has no work for it', () => {
    const names = threadsOf(allServices, { ...config, kafkaBrokers: undefined }).map(({ name }) => name);
    expect(names).to.deep.equal(['projectors', 'workers:inference', 'light services']);
  });

  it('is named once, and one group is of one service', () => {
    const names = allServices.map(({ name }) => name);
    const groups = allServices.flatMap(({ group }) => group ?? []);
    expect(new Set(names).size).to.equal(names.length);
    expect(new Set(groups).size).to.equal(groups.length);
  });

  it('is light to ask for its name: neither a vendor’s client nor what runs it is loaded', async () => {
    const loaded = await loadedBy(new URL('../../compose/services.ts', import.meta.url));
    expect(loaded.filter((url) => url.includes('/node_modules/') || url.endsWith('/start.ts'))).to.deep.equal([]);
  });

  it('carries what reads tokens and hashes passwords only where people sign in', async () => {
    const foreign = (loaded: readonly string[]) =>
      loaded.filter((url) => /node_modules\/(?:argon2|koa-jwt|jsonwebtoken|@zxcvbn-ts)\//.test(url));
    const of = async (path: string) => foreign(await loadedBy(new URL(`../../${path}`, import.meta.url)));
    const started = ['projectors/start.ts', 'workers/inference/start.ts', 'workers/relay/start.ts'];
    for (const path of ['compose/run-service.ts', 'query-api/start.ts', ...started])
      expect(await of(path), path).to.deep.equal([]);
    expect(await of('platform/auth/passwords.ts')).to.deep.equal([]);
    expect(await of('command-api/start.ts')).to.satisfy((all: string[]) => all.every((url) => !url.includes('argon2')));
    expect(await of('platform/http/access-tokens.ts')).not.to.deep.equal([]);
  });
});
