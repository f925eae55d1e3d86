// Puts a streamed chat completion together again, into the body the same request would have had unstreamed. Members
// not known here come through as well, by the rules of OpenAI's clients: text grows, lists with `index` merge by it.

import { isObject, type JsonObject } from './openai-request.ts';

/** Members that some upstreams repeat in each delta; the others' text is appended. */
const replaced = new Set(['role', 'type', 'id', 'name', 'index', 'object']);

export interface CompletionAssembly {
  /** Adds one `chat.completion.chunk` and returns the text that its first choice gained. */
  add(chunk: JsonObject): string;
  /** Every choice seen has its finish_reason, and there is one. */
  finished(): boolean;
  completion(): JsonObject;
}

export function createCompletionAssembly(): CompletionAssembly {
  const body: JsonObject = {};
  const choices = new Map<number, { choice: JsonObject; message: JsonObject }>();

  function addChoice(choice: JsonObject): string {
    const { delta, index, logprobs, ...members } = choice;
    const place = typeof index === 'number' ? index : 0;
    const open = choices.get(place) ?? { choice: { index: place, finish_reason: null }, message: {} };
    choices.set(place, open);
    for (const [name, value] of Object.entries(members)) if (value !== null) set(open.choice, name, value);
    if (isObject(logprobs)) {
      const before = isObject(open.choice['logprobs']) ? open.choice['logprobs'] : {};
      mergeInto(before, logprobs);
      open.choice['logprobs'] = before;
    }
    if (!isObject(delta)) return '';
    mergeInto(open.message, delta);
    return place === 0 && typeof delta['content'] === 'string' ? delta['content'] : '';
  }

  return {
    add(chunk) {
      const { choices: parts, ...members } = chunk;
      for (const [name, value] of Object.entries(members)) if (value !== null) set(body, name, value);
      if (!Array.isArray(parts)) return '';
      return parts.filter(isObject).map(addChoice).join('');
    },

    finished() {
      return choices.size > 0 && [...choices.values()].every(({ choice }) => choice['finish_reason'] !== null);
    },

    completion() {
      const ordered = [...choices].sort(([a], [b]) => a - b);
      return {
        ...body,
        object: 'chat.completion',
        choices: ordered.map(([, { choice, message }]) => ({
          ...choice,
          message: { role: 'assistant', content: null, ...withoutIndexes(message) },
        })),
      };
    },
  };
}

function mergeInto(target: JsonObject, delta: JsonObject): void {
  for (const [name, value] of Object.entries(delta)) {
    // Own members only: a member named __proto__ would otherwise be merged into every object there is.
    const before = Object.hasOwn(target, name) ? target[name] : undefined;
    if (value === null || value === undefined) {
      if (before === undefined) set(target, name, value);
    } else if (typeof value === 'string' && typeof before === 'string' && !replaced.has(name)) {
      set(target, name, before + value);
    } else if (Array.isArray(value)) {
      set(target, name, mergeLists(Array.isArray(before) ? before : [], value));
    } else if (isObject(value)) {
      const merged = isObject(before) ? before : {};
      mergeInto(merged, value);
      set(target, name, merged);
    } else {
      set(target, name, value);
    }
  }
}

function mergeLists(list: unknown[], more: readonly unknown[]): unknown[] {
  for (const value of more) {
    const index = isObject(value) ? value['index'] : undefined;
    const same = index === undefined ? undefined : list.find((entry) => isObject(entry) && entry['index'] === index);
    if (isObject(value) && isObject(same)) mergeInto(same, value);
    else list.push(value);
  }
  return list;
}

/** Deltas number their tool calls; whole messages do not. */
function withoutIndexes(message: JsonObject): JsonObject {
  const { tool_calls: calls } = message;
  if (!Array.isArray(calls)) return message;
  return { ...message, tool_calls: calls.map(withoutIndex) };
}

function withoutIndex(call: unknown): unknown {
  if (!isObject(call)) return call;
  const { index: _, ...members } = call;
  return members;
}

/** An upstream's `__proto__` is a member like any other and must not become the object's prototype. */
function set(target: JsonObject, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}
