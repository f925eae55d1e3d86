import { openAccessTokens } from '../../compose/access-tokens.ts';
import { expect } from 'chai';
import { allRoutes } from '#contracts/all-routes.ts';
import { parseConfig } from '#platform/config.ts';
import type { BoundRoute } from '#platform/http/route.ts';
import { type HttpServer, openHttpServer } from '#platform/http/serve.ts';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';
import { createThreadMetrics } from '#platform/metrics/thread-metrics.ts';
import { openPlatform } from '#platform/platform.ts';
import { eventLanguage } from '../../compose/event-language.ts';
import {
  createDocumentation,
  createMisdirected,
  createServiceApp,
  requireAllBound,
  type ServiceAppParts,
} from '../../compose/service-app.ts';
import { openServiceStandings } from '../../compose/service-standings.ts';
import { allServices } from '../../compose/services.ts';
import { startService } from '../../compose/start-service.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const idsOf = (routes: readonly BoundRoute[]) => routes.map(({ route }) => route.id);

describe('the HTTP face of a process', () => {
  it('is refused when a contract has no handler, by name', () => {
    expect(() => requireAllBound(createMisdirected('command'))).to.throw(
      /^no handler is bound to .*\bsubmitInference\b/,
    );
    expect(() => requireAllBound(createMisdirected('command'))).not.to.throw(/\blistModels\b/);
  });

  describe('over the routes of the two APIs', () => {
    const log = createQuietLog();
    const ends: (() => Promise<void> | void)[] = [];
    const routes: Partial<Record<'command' | 'query', readonly BoundRoute[]>> = {};
    let parts: Omit<ServiceAppParts, 'routes'>;

    before(async () => {
      const folder = await temporaryFolder();
      ends.push(folder.remove);
      const read = parseConfig({ DATA_DIR: folder.path });
      if (!read.ok) throw new Error(read.faults.join(' '));
      const { config } = read;
      const platform = await openPlatform({ config, events: eventLanguage, log });
      ends.push(() => platform.close());
      const standings = openServiceStandings(await platform.use(['store', 'readStore', 'live']), log);
      ends.push(() => standings.close());
      const metrics = createThreadMetrics('main');
      const tools = {
        config,
        log,
        consumers: createConsumerMetrics(metrics),
        standings: async () => standings,
        fail: (error: Error) => expect.fail(error.message),
      };
      for (const service of allServices) {
        if (service.side === undefined) continue;
        const running = await startService(service, platform.use, tools);
        ends.push(() => running.stop());
        routes[service.side] = running.routes ?? [];
      }
      parts = {
        standings,
        accessTokens: await openAccessTokens(platform.use),
        keyUses: { note: () => undefined },
        logging: { log, access: { write: () => undefined } },
        httpMetrics: createHttpMetrics(metrics),
        checkAnswers: true,
      };
    });
    after(async () => {
      for (const end of ends.toReversed()) await end();
    });

    for (const side of ['command', 'query'] as const)
      it(`answers each contract once where the ${side} API is served`, () => {
        const bound = [...(routes[side] ?? []), ...createMisdirected(side)];
        expect(idsOf(bound)).to.have.members(allRoutes.map(({ id }) => id));
      });

    it('has places for mounts and for limits, of an address and of a caller', async () => {
      const met: string[] = [];
      const limit = (name: string) => (_: unknown, next: () => Promise<void>) => {
        met.push(name);
        return next();
      };
      const app = createServiceApp({
        ...parts,
        routes: [...(routes.command ?? []), ...(routes.query ?? []), ...createDocumentation()],
        mounts: [{ id: 'page', prefix: '/ui', handle: (_, res) => void res.end('a page') }],
        limitPerAddress: [limit('address')],
        limitPerCaller: [limit('caller')],
      });
      const server: HttpServer = await openHttpServer({ app, host: '127.0.0.1', port: 0, log });
      try {
        expect(await (await fetch(`${server.url}/ui`)).text()).to.equal('a page');
        expect(met.splice(0)).to.deep.equal(['address']);
        expect((await fetch(`${server.url}/openapi.json`)).status).to.equal(200);
        expect(met).to.deep.equal(['address', 'caller']);
      } finally {
        await server.close(1_000);
      }
    });
  });
});
