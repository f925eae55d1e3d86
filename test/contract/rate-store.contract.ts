import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { HttpAppParts } from '../../compose/http-app.ts';
import { problems } from '#contracts/problems.ts';
import { limitRequests, type Rate } from '#platform/limits/limit-requests.ts';
import type { RateStore } from '#platform/limits/rate-store.ts';
import { openTestServer, problemOf, type TestServer } from '../platform/http-test-server.ts';

export interface RateStoreSubject {
  readonly store: RateStore;
  close(): Promise<void>;
}

/** A server whose requests name the limits that hold for them: `id=perMinute`, several with commas between. */
export const openLimitedServer = (store: RateStore, parts: Partial<HttpAppParts> = {}): Promise<TestServer> =>
  openTestServer(undefined, {
    ...parts,
    limitPerAddress: [
      limitRequests({
        store,
        problem: problems['too-many-requests'],
        ratesOf: ({ req }) =>
          req.headers['x-rates']
            ?.toString()
            .split(',')
            .map((text): Rate => {
              const [id = '', perMinute] = text.split('=');
              return { id, perMinute: Number(perMinute), who: `The client ${id}` };
            }),
      }),
    ],
  });

export const askLimited = (server: TestServer, rates: string) =>
  fetch(`${server.url}/open`, { headers: { 'x-rates': rates } });

export function rateStoreContract(name: string, start: () => Promise<RateStoreSubject>): void {
  describe(`rate store: ${name}`, () => {
    let subject: RateStoreSubject;
    let server: TestServer;
    before(async () => {
      subject = await start();
      server = await openLimitedServer(subject.store);
    });
    after(async () => {
      await server.close(1_000);
      await subject.close();
    });

    it('serves as many as may be asked in a minute, refuses the next, and says so in every header', async () => {
      const id = randomUUID();
      for (const left of [2, 1, 0]) {
        const { status, headers } = await askLimited(server, `${id}=3`);
        expect(status).to.equal(200);
        expect(headers.get('x-ratelimit-limit-requests')).to.equal('3');
        expect(headers.get('x-ratelimit-remaining-requests')).to.equal(String(left));
        expect(headers.get('x-ratelimit-reset-requests')).to.match(/^(?:\d{1,2}s|1m0s)$/);
        expect(headers.get('ratelimit-policy')).to.equal('"default";q=3;w=60');
        expect(headers.get('ratelimit')).to.match(new RegExp(`^"default";r=${left};t=\\d{1,2}$`));
        expect(headers.get('retry-after')).to.equal(null);
      }
      const refused = await askLimited(server, `${id}=3`);
      expect(refused.status).to.equal(429);
      expect(refused.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8');
      expect(Number(refused.headers.get('retry-after'))).to.be.within(58, 60);
      expect(refused.headers.get('x-should-retry')).to.equal(null);
      expect(refused.headers.get('x-ratelimit-remaining-requests')).to.equal('0');
      expect(refused.headers.get('ratelimit')).to.match(/^"default";r=0;t=(?:58|59|60)$/);
      expect(await problemOf(refused)).to.include({
        code: 'too-many-requests',
        detail: `The client ${id} may send 3 requests a minute.`,
      });
    });

    it('counts each by itself, whatever its name', async () => {
      const ids = [randomUUID(), `address:2001:db8:0:1::/64-${randomUUID()}`, `__proto__${randomUUID()}`];
      for (const id of ids) expect((await askLimited(server, `${id}=1`)).status).to.equal(200);
      for (const id of ids) expect((await askLimited(server, `${id}=1`)).status).to.equal(429);
    });

    it('lets no more in when they come at once', async () => {
      const id = randomUUID();
      const answers = await Promise.all(Array.from({ length: 40 }, () => askLimited(server, `${id}=10`)));
      expect(answers.filter(({ status }) => status === 200)).to.have.length(10);
      expect(answers.filter(({ status }) => status === 429)).to.have.length(30);
    });

    it('tells the limit that leaves the least, whichever comes first', async () => {
      const [wide, tight] = [randomUUID(), randomUUID()];
      for (const rates of [`${wide}=100,${tight}=5`, `${tight}=5,${wide}=100`])
        expect((await askLimited(server, rates)).headers.get('ratelimit-policy')).to.equal('"default";q=5;w=60');
    });

    it('counts nothing of a request for which no limit holds', async () => {
      const answer = await fetch(`${server.url}/open`);
      expect(answer.status).to.equal(200);
      expect([...answer.headers.keys()].filter((one) => one.includes('ratelimit'))).to.deep.equal([]);
    });
  });
}
