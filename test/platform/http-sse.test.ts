import { expect } from 'chai';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createBell } from '#platform/patience/bell.ts';
import { bindRoute } from '#platform/http/route.ts';
import { answerWithEvents, lastEventId, type ServerEvent } from '#platform/http/sse.ts';
import { eventually, type TestServer, openTestServer } from './http-test-server.ts';

const route = { id: 'events', method: 'GET', path: '/events', public: true } as const;

/** Where a stream's events come from, as the test says them. */
function createSource(signal: AbortSignal) {
  const bell = createBell();
  const source = { said: [] as ServerEvent[], isOver: false, asked: 0, isReleased: false };
  signal.addEventListener('abort', bell.ring);
  return {
    source,
    say(...events: ServerEvent[]) {
      source.said.push(...events);
      bell.ring();
    },
    finish() {
      source.isOver = true;
      bell.ring();
    },
    async *events(): AsyncGenerator<readonly ServerEvent[]> {
      try {
        while (!signal.aborted) {
          source.asked++;
          if (source.said.length > 0) yield source.said.splice(0);
          else if (source.isOver) return;
          else await bell.wait();
        }
      } finally {
        source.isReleased = true;
      }
    },
  };
}

describe('server-sent events', () => {
  let server: TestServer;
  let sources: ReturnType<typeof createSource>[];
  let resumed: (string | undefined)[];
  beforeEach(async () => {
    sources = [];
    resumed = [];
    const bound = bindRoute(route, ({ headers, signal }) => {
      resumed.push(lastEventId(headers));
      const source = createSource(signal);
      sources.push(source);
      return answerWithEvents({ events: source.events(), signal, heartbeatMs: 20, stallMs: 300 });
    });
    server = await openTestServer([bound]);
  });
  afterEach(() => server.close(1_000));

  const opened = async () => {
    const answer = await fetch(`${server.url}/events`, { headers: { 'last-event-id': '41' } });
    const [stream] = sources;
    if (stream === undefined || answer.body === null) throw new Error('no stream');
    return { answer, stream, reader: answer.body.pipeThrough(new TextDecoderStream()).getReader() };
  };

  it('sends the headers before the first event, frames events, and ends', async () => {
    const { answer, stream, reader } = await opened();
    expect(resumed).to.deep.equal(['41']);
    expect(answer.headers.get('content-type')).to.equal('text/event-stream; charset=utf-8');
    expect(answer.headers.get('cache-control')).to.equal('no-cache');
    expect(answer.headers.get('x-accel-buffering')).to.equal('no');
    stream.say({ id: '42', event: 'token', data: { text: 'ı' } }, { data: 'one\ntwo\r\nthree' });
    stream.finish();
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

  it('sends what many streams share, and much at once, whole and in order', async () => {
    const { stream, reader } = await opened();
    const events = Array.from({ length: 5_000 }, (_, n) => ({ id: String(n), data: { n } }));
    stream.say(...events);
    stream.finish();
    let text = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    const lines = events.map(({ id, data }) => `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
    expect(text.replaceAll(': ping\n\n', '')).to.equal(lines.join(''));
  });

  it('cuts a stream of which an id would break the framing', async () => {
    const { stream, reader } = await opened();
    stream.say({ id: 'a\ndata: forged', data: '' });
    const read = async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read());
    };
    expect(await read().catch((error: unknown) => error)).to.be.an('error');
    expect(stream.source.isReleased).to.equal(true);
  });

  it('asks for no more when the client leaves', async () => {
    const { stream, reader } = await opened();
    await reader.cancel();
    await eventually(() => stream.source.isReleased);
    await eventually(() => server.records.length === 1);
    expect(server.records[0]).to.include({ routeId: 'events', status: 200 });
  });

  it('asks for no more than the client reads, and cuts one that reads nothing, without a proper end', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => sources.length === 1);
    socket.pause();
    const [stream] = sources;
    let said = 0;
    while (!stream?.source.isReleased) {
      // One is said when the one before was taken.
      if (stream?.source.said.length === 0) {
        stream.say({ data: 'x'.repeat(50_000) });
        said++;
      }
      if (said > 1_000) throw new Error('50 MB were buffered');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    let text = '';
    socket.on('data', (part: Buffer) => (text = (text + part.toString('latin1')).slice(-20)));
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'close');
    expect(text.endsWith('0\r\n\r\n')).to.equal(false);
    expect(server.lines.filter(({ message }) => message === 'an answer broke off')).to.deep.include({
      level: 'debug',
      message: 'an answer broke off',
      fields: server.lines.find(({ message }) => message === 'an answer broke off')?.fields,
    });
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
