import { createParser } from 'eventsource-parser';

/**
 * The data of each event of a `text/event-stream` (WHATWG HTML, section 9.2.6), as it is complete: all that
 * OpenAI-compatible upstreams use of it. `bytes` may be cut anywhere, inside a character too.
 */
export async function* readEventData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const complete: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => complete.push(data) });
  const decoder = new TextDecoder();
  for await (const part of bytes) {
    parser.feed(decoder.decode(part, { stream: true }));
    yield* complete.splice(0);
  }
  // By the standard an event without its blank line is dropped; some upstreams end so, and their last event counts.
  parser.feed(`${decoder.decode()}\n\n`);
  yield* complete;
}
