import { expect } from 'chai';
import { foldText } from '#platform/search-index/fold.ts';
import { MOST_CHARACTERS, writtenInInput, writtenInOutput } from '../../projectors/inferences/written-texts.ts';

const wordsIn = (input: unknown) => foldText(writtenInInput(input));
const filler = (length: number) => 'lorem '.repeat(Math.ceil(length / 6)).slice(0, length);
const chat = (...messages: unknown[]) => ({ messages });
const user = (content: unknown) => ({ role: 'user', content });

describe('what is written in an input', () => {
  it('is a plain text, also at its character 30,000', () => {
    expect(wordsIn(`${filler(30_000)} needle ${filler(10_000)}`)).to.include('needle');
  });

  it('is the beginning and the end of a text that is longer than the bound', () => {
    const words = wordsIn(`first ${filler(MOST_CHARACTERS)} middle ${filler(MOST_CHARACTERS)} last`);
    expect(words).to.include.members(['first', 'last']).and.not.include('middle');
  });

  it('is the question behind a system prompt that is longer than the bound, and that prompt as far as it goes', () => {
    const system = { role: 'system', content: `begins ${filler(3 * MOST_CHARACTERS)}` };
    expect(wordsIn(chat(system, user('who is Ada?')))).to.include.members(['ada', 'begins']);
  });

  it('is the question behind images and their data', () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'QUJD'.repeat(50_000)}` } };
    expect(wordsIn(chat(user([image, { type: 'text', text: 'what flower' }])))).to.deep.equal(['what', 'flower']);
    const pasted = `![](data:image/png;base64,${'QUJD'.repeat(50_000)}) what flower`;
    expect(wordsIn(chat(user(pasted)))).to.deep.equal(['what', 'flower']);
  });

  it('is the question beside tools, whose definitions nobody wrote to be found', () => {
    const tools = Array.from({ length: 50 }, (_, n) => ({
      type: 'function',
      function: { name: `tool${n}`, description: filler(2_000), parameters: { type: 'object' } },
    }));
    expect(wordsIn({ tools, model: 'm', user: 'u1', ...chat(user('weather in Bergen')) })).to.deep.equal([
      'weather',
      'in',
      'bergen',
    ]);
  });

  it('is what models gave tools and what tools said, without the names around', () => {
    const call = (given: string) => ({
      id: 'call_1',
      type: 'function',
      function: { name: 'look_up', arguments: given },
    });
    const asked = { role: 'assistant', content: null, tool_calls: [call('{"city":{"name":"Oslo"},"days":3}')] };
    const told = { role: 'tool', tool_call_id: 'call_1', content: 'rain' };
    expect(wordsIn(chat(asked, told))).to.have.members(['oslo', '3', 'rain']);
    expect(wordsIn(chat({ ...asked, tool_calls: [call('{"city": "Osl')] }))).to.have.members(['city', 'osl']);
    expect(wordsIn(chat({ role: 'assistant', function_call: { arguments: '["Rome"]' } }))).to.deep.equal(['rome']);
  });

  it('is by importance: the newest question, older ones, answers, then the rest', () => {
    const said = (role: string, content: string) => ({ role, content });
    const input = chat(
      said('system', 'sys'),
      user('one'),
      said('assistant', 'two'),
      said('developer', 'dev'),
      user('three'),
      said('assistant', 'four'),
    );
    expect(wordsIn(input)).to.deep.equal(['three', 'one', 'four', 'two', 'dev', 'sys']);
    const crowded = chat(user('older'), said('assistant', 'answer'), user(filler(MOST_CHARACTERS)));
    expect(wordsIn(crowded)).to.deep.equal(['lorem', 'lo']);
  });

  it('is no role, type, name, id or address', () => {
    const part = { type: 'text', text: 'hello', cache_control: { type: 'ephemeral' } };
    const file = { type: 'file', file: { filename: 'secret.pdf', file_data: 'QUJD' } };
    const messages = [
      { role: 'assistant', name: 'helper', id: 'msg_1', content: 'there' },
      { role: 'user', name: 'ada', content: [part, file] },
    ];
    expect(wordsIn({ messages, response_format: { type: 'json_object' } })).to.deep.equal(['hello', 'there']);
  });

  it('is nothing in what has another form', () => {
    for (const input of [null, 7, [], {}, { messages: 'x' }, chat(null, 'x', { role: 7 }, user({ text: 'x' }))])
      expect(wordsIn(input)).to.deep.equal([]);
  });
});

describe('what is written in an output', () => {
  const wordsOut = (output: unknown) => foldText(writtenInOutput(output));

  it('is the text of a generated one and the label of a classified one', () => {
    expect(wordsOut('plain')).to.deep.equal(['plain']);
    expect(wordsOut({ text: 'once upon', finishReason: 'stop' })).to.deep.equal(['once', 'upon']);
    expect(wordsOut({ label: 'tr', scores: { tr: 0.9, az: 0.1 } })).to.deep.equal(['tr']);
  });

  it('is what the messages of a completion say, not the form around them', () => {
    const message = {
      role: 'assistant',
      content: 'It blooms',
      refusal: null,
      reasoning_content: 'let me think',
      tool_calls: [{ id: 'call_9', type: 'function', function: { name: 'plant', arguments: '{"kind":"rose"}' } }],
    };
    const completion = {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      model: 'upstream-model',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
    };
    expect(wordsOut(completion)).to.have.members(['it', 'blooms', 'let', 'me', 'think', 'rose']);
    expect(wordsOut({ choices: [{ message: { role: 'assistant', refusal: 'I cannot' } }] })).to.deep.equal([
      'i',
      'cannot',
    ]);
  });
});
