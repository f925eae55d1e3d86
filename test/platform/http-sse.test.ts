import { expect } from 'chai';
import { once } from 'node:events';
import { connect } from 'node:net';
import { bindRoute } from '#platform/http/route.ts';
import { type EventStream, lastEventId, openEventStream } from '#platform/http/sse.ts';
import { eventually, type TestServer, openTestServer } from './http-test-server.ts';

const route = { id: 'events', method: 'GET', path: '/events', public: true } as const;

describe('server-sent events', () => {
  let server: TestServer;
  let streams: EventStream[];
  let resumed: (string | undefined)[];
  beforeEach(async () => {
    streams = [];
    resumed = [];
    const bound = bindRoute(route, (request) => {
      resumed.push(lastEventId(request.headers));
      const stream = openEventStream({ signal: request.signal, heartbeatMs: 20, maxBuffer: 100_000 });
      streams.push(stream);
      return stream.answer;
    });
    server = await openTestServer([bound]);
  });
  afterEach(() => server.close(1_000));

  const opened = async () => {
    const answer = await fetch(`${server.url}/events`, { headers: { 'last-event-id': '41' } });
    const [stream] = streams;
    if (stream === undefined || answer.body === null) throw new Error('no stream');
    return { answer, stream, reader: answer.body.pipeThrough(new TextDecoderStream()).getReader() };
  };

  it('sends the headers before the first event, frames events, and ends', async () => {
    const { answer, stream, reader } = await opened();
    expect(resumed).to.deep.equal(['41']);
    expect(answer.headers.get('content-type')).to.equal('text/event-stream; charset=utf-8');
    expect(answer.headers.get('cache-control')).to.equal('no-cache');
    expect(answer.headers.get('x-accel-buffering')).to.equal('no');
    expect(stream.send({ id: '42', event: 'token', data: { text: 'ı' } })).to.equal(true);
    expect(stream.send({ data: 'one\ntwo\r\nthree' })).to.equal(true);
    stream.end();
    stream.end();
    expect(stream.send({ data: 'late' })).to.equal(false);
    let text = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text.replaceAll(': ping\n\n', '')).to.equal(
      'id: 42\nevent: token\ndata: {"text":"ı"}\n\ndata: one\ndata: two\ndata: three\n\n',
    );
  });

  it('sends heartbeats while nothing happens', async () => {
    const { reader } = await opened();
    expect((await reader.read()).value).to.contain(': ping\n\n');
    await reader.cancel();
  });

  it('refuses an id that would break the framing', async () => {
    const { stream, reader } = await opened();
    expect(() => stream.send({ id: 'a\ndata: forged', data: '' })).to.throw(TypeError);
    await reader.cancel();
  });

  it('ends when the client leaves', async () => {
    const { stream, reader } = await opened();
    await reader.cancel();
    await eventually(() => stream.ended);
    expect(stream.send({ data: 'late' })).to.equal(false);
    await eventually(() => server.records.length === 1);
    expect(server.records[0]).to.include({ routeId: 'events', status: 200 });
  });

  it('lets go of a client that reads too slowly, without a proper end', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => streams.length === 1);
    socket.pause();
    const [stream] = streams;
    let sent = 0;
    while (stream?.send({ data: 'x'.repeat(50_000) })) {
      sent++;
      if (sent > 5_000) throw new Error('250 MB were buffered');
      await new Promise((resolve) => setImmediate(resolve));
    }
    let text = '';
    socket.on('data', (part: Buffer) => (text = (text + part.toString('latin1')).slice(-20)));
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'close');
    expect(text.endsWith('0\r\n\r\n')).to.equal(false);
    expect(server.lines.some((line) => line.message === 'an answer broke off')).to.equal(true);
  });

  it('ends at once, properly, when the server stops', async () => {
    const { reader } = await opened();
    const closed = server.close(10_000);
    const begun = Date.now();
    for (let part = await reader.read(); !part.done; part = await reader.read());
    await closed;
    expect(Date.now() - begun).to.be.below(2_000);
    expect(server.lines.filter((line) => line.level !== 'debug')).to.deep.equal([]);
  });
});
