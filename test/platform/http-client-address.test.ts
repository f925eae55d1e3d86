import { expect } from 'chai';
import { bindRoute } from '#platform/http/route.ts';
import { openTestServer, type TestServer } from './http-test-server.ts';

const whereRoute = { id: 'where', method: 'GET', path: '/where', public: true } as const;
const where = bindRoute(whereRoute, ({ remoteAddress }) => ({ status: 200, body: { remoteAddress } }));

describe('the address of a client', () => {
  let server: TestServer;
  afterEach(() => server.close(1_000));

  const seenBehind = async (trustProxy: readonly string[] | undefined, forwarded: string | undefined) => {
    server = await openTestServer([where], { trustProxy });
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    const answer = await fetch(`${server.url}/where`, { headers });
    const { remoteAddress } = (await answer.json()) as { remoteAddress: string };
    expect(server.records.at(-1)).to.include({ remoteAddress });
    return remoteAddress;
  };

  for (const forged of ['192.0.2.1', '127.0.0.1', '::1, 10.0.0.1', 'unknown'])
    it(`is the connection's where no proxy is trusted, whatever the header says: ${forged}`, async () => {
      expect(await seenBehind(undefined, forged)).to.equal('127.0.0.1');
    });

  it("is the connection's where that is no trusted proxy", async () => {
    expect(await seenBehind(['10.0.0.0/8'], '192.0.2.1')).to.equal('127.0.0.1');
  });

  for (const [what, trusted, forwarded, address] of [
    ['without the header that of the proxy', ['loopback'], undefined, '127.0.0.1'],
    ['what the proxy says', ['loopback'], '192.0.2.1', '192.0.2.1'],
    [
      'the last of several, since the client may have sent the others',
      ['loopback'],
      '10.9.9.9, 192.0.2.1',
      '192.0.2.1',
    ],
    ['not that of a client that claims to be a proxy', ['loopback'], '127.0.0.1, 192.0.2.1', '192.0.2.1'],
    ['behind two trusted proxies', ['loopback', '10.0.0.0/8'], '198.51.100.7, 192.0.2.1, 10.0.0.3', '192.0.2.1'],
    ['the outermost where all are trusted', ['loopback', '10.0.0.0/8'], '10.0.0.2, 10.0.0.3', '10.0.0.2'],
    ['of IPv6', ['127.0.0.1'], '2001:db8::1', '2001:db8::1'],
    ['of IPv4 within IPv6', ['127.0.0.1'], '::ffff:192.0.2.1', '192.0.2.1'],
    ['without its port', ['loopback'], '192.0.2.1:4711', '192.0.2.1'],
    ['of IPv6 without its port', ['loopback'], '[2001:db8::1]:4711', '2001:db8::1'],
    ['the proxy where what it says is no address', ['loopback'], 'unknown', '127.0.0.1'],
    ['the last part that is not empty', ['loopback'], '192.0.2.1, ,', '192.0.2.1'],
    ['not what stands before something unreadable', ['loopback'], '192.0.2.1, _hidden', '127.0.0.1'],
    ['in spite of a thousand forged hops', ['loopback'], `${'127.0.0.1, '.repeat(1_000)}192.0.2.1`, '192.0.2.1'],
  ] as const)
    it(`is ${what}`, async () => {
      expect(await seenBehind(trusted, forwarded)).to.equal(address);
    });
});
