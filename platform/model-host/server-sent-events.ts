// Reads `text/event-stream` (WHATWG HTML, section 9.2.6) as far as OpenAI-compatible upstreams use it: the data of
// each event. Comments, ids and retry hints are skipped.

/** The data of each event, as it is complete. `bytes` may be cut anywhere, inside a character too. */
export async function* readEventData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  let endsInReturn = false;
  for await (const part of bytes) {
    const text = decoder.decode(part, { stream: true });
    rest += text;
    // A long line arrives in many parts; looking through all of it again for each would take the square of its length.
    if (text === '' || (!endsInReturn && !/[\r\n]/.test(text))) continue;
    endsInReturn = text.endsWith('\r');
    // A \r at the very end may be half of \r\n, so it stays for the next part.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      }
    }
  }
  // By the standard an event without its blank line is dropped; some upstreams end so, and their last event counts.
  rest += decoder.decode();
  if (rest.startsWith('data:')) data.push(rest.slice(5).trim());
  if (data.length > 0) yield data.join('\n');
}
