// What people and models wrote in an inference's contents, by importance and within a bound: the texts of messages, never
// the words of the form around them (roles, types, names of members, ids, addresses, definitions of tools, data of images
// and sound).

/** What of one content is indexed, in UTF-16 code units: the most important texts, and of a longer one beginning and end. */
export const MOST_CHARACTERS = 50_000;

type Members = Readonly<Record<string, unknown>>;

const membersOf = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A text, the newest question first, then answers from the newest on, then instructions and what tools said. */
export function writtenInInput(input: unknown): string {
  if (typeof input === 'string') return within([input]);
  const { prompt, messages } = membersOf(input);
  const newestFirst = listOf(messages).map(membersOf).toReversed();
  const by = (...roles: string[]) => newestFirst.filter(({ role }) => roles.includes(String(role)));
  const asked = by('user');
  const answered = by('assistant');
  const rest = newestFirst.filter((message) => !asked.includes(message) && !answered.includes(message));
  return within([...textsIn(prompt), ...[...asked, ...answered, ...rest].flatMap(writtenInMessage)]);
}

/** The text of an answer, the label of a classified text, or the messages of a completion. */
export function writtenInOutput(output: unknown): string {
  if (typeof output === 'string') return within([output]);
  const { text, label, choices } = membersOf(output);
  const chosen = listOf(choices).flatMap((choice) => writtenInMessage(membersOf(membersOf(choice)['message'])));
  return within([...textsIn(text), ...textsIn(label), ...chosen]);
}

function writtenInMessage(message: Members): string[] {
  const { content, refusal, reasoning_content: reasoning, tool_calls: calls, function_call: call } = message;
  const called: Members[] = [...listOf(calls).map(membersOf), { function: call }];
  return [
    ...textsIn(content),
    ...textsIn(refusal),
    ...textsIn(membersOf(message['audio'])['transcript']),
    ...textsIn(reasoning ?? message['reasoning']),
    ...called.flatMap((one) => [
      ...argumentsIn(membersOf(one['function'])['arguments']),
      ...textsIn(membersOf(one['custom'])['input']),
    ]),
  ];
}

/** A text, or the texts among a message's parts. */
function textsIn(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  return listOf(content)
    .map(membersOf)
    .flatMap(({ text, refusal }) => [text, refusal].filter((one) => typeof one === 'string'));
}

/** What a model gives a tool is JSON text: its values were written, the names of its members belong to the tool. */
function argumentsIn(given: unknown): string[] {
  if (typeof given !== 'string') return [];
  try {
    return valuesIn(JSON.parse(given));
  } catch {
    // A model may break off, or write no JSON.
    return [given];
  }
}

function valuesIn(value: unknown): string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(valuesIn) : [];
}

function within(texts: readonly string[]): string {
  const kept: string[] = [];
  let left = MOST_CHARACTERS;
  for (const text of texts) {
    if (left <= 0) break;
    const own = withoutData(text);
    const half = Math.floor(left / 2);
    if (own.length <= left) kept.push(own);
    else kept.push(own.slice(0, half), own.slice(own.length - half));
    left -= own.length;
  }
  return kept.join('\n');
}

/** Images that were pasted into a text are no words. */
const withoutData = (text: string) =>
  text.includes(';base64,') ? text.replace(/data:[\w.+/-]{0,100};base64,[\w+/=-]*/g, ' ') : text;
