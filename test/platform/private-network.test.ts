import { expect } from 'chai';
import { openOpenAiRuntime } from '#platform/model-host/openai-runtime.ts';
import { isPrivateAddress } from '#platform/net/private-network.ts';
import { upstreamFault } from '#platform/net/upstream-fault.ts';
import { openOpenAiUpstream } from '../support/openai-upstream.ts';
import { createQuietLog } from '../support/quiet-log.ts';

describe('the private network', () => {
  const inside = [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '::FFFF:10.0.0.1',
    '::ffff:7f00:1',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:ffff:10.0.0.1',
    '0:0:0:0:0:ffff:7f00:1',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    '::127.0.0.1',
    '::7f00:1',
    '::8.8.8.8',
    '::ffff:0:127.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::7f00:1',
    'fec0::1',
    '4000::1',
    'not an address',
  ];
  const outside = ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '::ffff:808:808'];

  for (const address of inside) it(`holds ${address}`, () => expect(isPrivateAddress(address)).to.equal(true));
  for (const address of outside)
    it(`does not hold ${address}`, () => expect(isPrivateAddress(address)).to.equal(false));

  it('is found behind a URL, whatever way its host is written', async () => {
    for (const url of [
      'http://127.0.0.1:1/v1',
      'http://[::1]/v1',
      'http://[::ffff:127.0.0.1]/v1',
      'http://[::127.0.0.1]/v1',
      'http://[::ffff:0:127.0.0.1]/v1',
      'http://[64:ff9b::127.0.0.1]/v1',
      'http://[2002:7f00:1::]/v1',
      'http://localhost/v1',
      'http://localhost./v1',
      'http://LOCALHOST/v1',
      'http://models.localhost./v1',
      'http://127.0.0.1./v1',
      'http://2130706433/v1',
      'http://0x7f.1/',
    ])
      expect(await upstreamFault(url, false), url).to.match(/not a public address/);
    expect(await upstreamFault('http://localhost/v1', true)).to.equal(undefined);
    expect(await upstreamFault('http://8.8.8.8/v1', false)).to.equal(undefined);
  });

  it('is not called for a model that must stay outside, neither by address nor by name', async () => {
    const upstream = await openOpenAiUpstream();
    const runtime = openOpenAiRuntime({ log: createQuietLog() });
    const spec = (source: string) => ({
      key: source,
      revision: 0,
      runtime: 'openai',
      source,
      options: { upstreamModel: 'm' },
    });
    try {
      const refused = await runtime.load(spec(upstream.url)).then(
        () => undefined,
        (error: Error) => error.message,
      );
      expect(refused).to.match(/not a public address/);
      for (const name of ['localhost', 'localhost.', 'models.localhost']) {
        const byName = await runtime.load(spec(upstream.url.replace('127.0.0.1', name)));
        const input = { messages: [{ role: 'user', content: 'hello' }] };
        const [result] = await byName.run([{ id: 'i', input }], { parameters: {}, deadlineMs: 5_000 });
        expect(result, name).to.deep.include({ ok: false });
        expect(result?.ok === false && result.error).to.deep.include({ code: 'upstream-refused', retriable: false });
      }
      expect(upstream.seen).to.deep.equal([]);
    } finally {
      await runtime.close();
      await upstream.close();
    }
  });
});
