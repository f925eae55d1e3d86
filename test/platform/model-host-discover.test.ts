import { expect } from 'chai';
import { discoverOpenAi } from '#platform/model-host/discover-openai.ts';
import { json, openOpenAiUpstream } from '../support/openai-upstream.ts';
import { createQuietLog } from '../support/quiet-log.ts';

describe('discovering the models of an upstream', () => {
  it('lists their ids, with the credential sent', async () => {
    const upstream = await openOpenAiUpstream();
    upstream.answer(json(200, { object: 'list', data: [{ id: 'a' }, { id: 7 }, null, { id: 'b:latest' }] }));
    const log = createQuietLog();
    const found = await discoverOpenAi({ baseUrl: `${upstream.url}/`, secret: 'sk-x', timeoutMs: 2_000, log });
    expect(found).to.deep.equal(['a', 'b:latest']);
    expect(upstream.seen[0]).to.include({ method: 'GET', path: '/v1/models' });
    expect(upstream.seen[0]?.headers['authorization']).to.equal('Bearer sk-x');
    await upstream.close();
  });

  it('finds nothing, and says why at debug, where nothing answers as expected', async () => {
    const upstream = await openOpenAiUpstream();
    const log = createQuietLog();
    const ask = (baseUrl: string, timeoutMs = 2_000) => discoverOpenAi({ baseUrl, secret: 'sk-x', timeoutMs, log });
    for (const answer of [
      json(401, {}),
      json(200, '<html>'),
      json(200, { models: [] }),
      json(302, {}, { location: '/' }),
    ]) {
      upstream.answer(answer);
      expect(await ask(upstream.url)).to.equal(undefined);
    }
    upstream.answer(() => undefined);
    const started = performance.now();
    expect(await ask(upstream.url, 100)).to.equal(undefined);
    expect(performance.now() - started).to.be.below(2_000);
    await upstream.close();
    expect(await ask(upstream.url)).to.equal(undefined);
    expect(await ask('not a url')).to.equal(undefined);
    expect(log.lines).to.have.length(7);
    expect(log.lines.every((line) => line.includes('"level":"debug"') && !line.includes('sk-x'))).to.equal(true);
  });
});
