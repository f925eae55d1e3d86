// A JSON body as bytes to a value, with words for what is wrong with it. Stricter than JSON.parse where later steps would
// stumble: nesting is limited (canonical JSON and stringify recurse), text must be well-formed Unicode, and no member may
// be called `__proto__`, which schemas pass over.

import { isUtf8 } from 'node:buffer';
import { NamedError } from '../errors.ts';

export const MAX_JSON_DEPTH = 100;

/** The message says what and where, for the caller. */
export class JsonFault extends NamedError {}

/** A member that no schema knows and none would see; `path` leads to it. */
export class ProtoMember extends NamedError {
  readonly path: readonly string[];
  constructor(path: readonly string[]) {
    super('a member is called __proto__');
    this.path = path;
  }
}

export function parseJsonBody(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new JsonFault('The body is not UTF-8.');
  const text = bytes.toString('utf8');
  if (isDeeperThan(text, MAX_JSON_DEPTH)) {
    throw new JsonFault(`The body is nested more than ${MAX_JSON_DEPTH} levels deep.`);
  }
  const value = parse(text);
  if (MAY_HIDE.test(text)) check(value);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8 says where: by position, line and column, or by the text around it.
    throw new JsonFault(`The body is not JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}.`);
  }
}

/** `__proto__`, escapes of its letters, and halves of surrogate pairs: texts without them need no second look. */
const MAY_HIDE = /__proto__|\\u(?:00(?:5[fF]|6[fF]|7[024])|[dD][89a-fA-F])/;

function check(root: unknown): void {
  const rest: { readonly value: unknown; readonly path: readonly string[] }[] = [{ value: root, path: [] }];
  for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
    const { value, path } = one;
    if (typeof value === 'string') requireWellFormed(value);
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, member] of Object.entries(value)) {
      requireWellFormed(name);
      if (name === '__proto__') throw new ProtoMember([...path, name]);
      rest.push({ value: member, path: [...path, name] });
    }
  }
}

function requireWellFormed(text: string): void {
  if (text.isWellFormed()) return;
  throw new JsonFault(
    'The body has text with half of a surrogate pair (\\ud800 to \\udfff alone), which is no character.',
  );
}
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      at = endOfString(text, at);
    } else if (char === 0x5b || char === 0x7b) {
      depth++;
      if (depth > limit) return true;
    } else if (char === 0x5d || char === 0x7d) {
      depth--;
    }
  }
  return false;
}

/** Index of the closing quote of the string that opens at `open`; the text's length when there is none. */
function endOfString(text: string, open: number): number {
  let close = open;
  for (;;) {
    close = text.indexOf('"', close + 1);
    if (close === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return close;
  }
}
