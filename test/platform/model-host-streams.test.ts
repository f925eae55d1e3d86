import { expect } from 'chai';
import fc from 'fast-check';
import { createCompletionAssembly } from '#platform/model-host/completion-assembly.ts';
import { readEventData } from '#platform/model-host/server-sent-events.ts';

describe('server-sent events', () => {
  it('reads the same data however the bytes are cut, with any line ends', async () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r\n]/.test(text));
    const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
    await fc.assert(
      fc.asyncProperty(fc.array(word), lineEnd, fc.array(fc.integer({ min: 1, max: 9 })), async (words, end, cuts) => {
        const text = words.map((said) => `: a comment${end}event: x${end}data: ${said}${end}${end}`).join('');
        const read: string[] = [];
        for await (const data of readEventData(cut(new TextEncoder().encode(text), cuts))) read.push(data);
        expect(read).to.deep.equal(words);
      }),
    );
  });

  it('joins the lines of an event, and takes the last one though its blank line is missing', async () => {
    const read: string[] = [];
    const bytes = cut(new TextEncoder().encode('data: a\ndata:b\n\nid: 1\n\ndata: [DONE]'), [4, 1]);
    for await (const data of readEventData(bytes)) read.push(data);
    expect(read).to.deep.equal(['a\nb', '[DONE]']);
  });

  it('takes a long line in many parts in little time', async () => {
    const part = new TextEncoder().encode('x'.repeat(1_000));
    async function* parts(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('data: ');
      for (let n = 0; n < 8_000; n += 1) yield part;
    }
    const started = performance.now();
    let length = 0;
    for await (const data of readEventData(parts())) length += data.length;
    expect(length).to.equal(8_000_000);
    expect(performance.now() - started).to.be.below(2_000);
  });
});

describe('completion assembly', () => {
  it('is the same text however it is cut into deltas', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (texts) => {
        const assembly = createCompletionAssembly();
        const pieces = texts.map((content) => assembly.add({ choices: [{ index: 0, delta: { content } }] }));
        expect(assembly.finished()).to.equal(false);
        assembly.add({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
        expect(assembly.finished()).to.equal(true);
        const { choices } = assembly.completion() as { choices: { message: { content: string | null } }[] };
        expect(choices[0]?.message.content ?? '').to.equal(texts.join(''));
        expect(pieces.join('')).to.equal(texts.join(''));
      }),
    );
  });

  it('takes a member named __proto__ for a member', () => {
    const assembly = createCompletionAssembly();
    const delta = JSON.parse('{"__proto__": {"polluted": true}, "content": "a"}') as Record<string, unknown>;
    for (let n = 0; n < 2; n += 1) assembly.add({ choices: [{ index: 0, delta }] });
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    expect(JSON.stringify(assembly.completion())).to.include('"__proto__":{"polluted":true}').and.include('"aa"');
  });

  it('keeps log probabilities in order', () => {
    const assembly = createCompletionAssembly();
    for (const token of ['a', 'b']) {
      assembly.add({ choices: [{ index: 0, delta: { content: token }, logprobs: { content: [{ token }] } }] });
    }
    expect(assembly.completion()).to.have.deep.nested.property('choices[0].logprobs', {
      content: [{ token: 'a' }, { token: 'b' }],
    });
  });
});

/** The bytes in parts of the lengths given, again and again. */
async function* cut(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const length = lengths[n % lengths.length] ?? bytes.length;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
