// A JSON body as bytes to a value, with words for what is wrong with it. Stricter than JSON.parse where later steps would
// stumble: nesting is limited (canonical JSON and stringify recurse) and text must be well-formed Unicode.

import { isUtf8 } from 'node:buffer';

export const MAX_JSON_DEPTH = 100;

/** The message says what and where, for the caller. */
export class JsonFault extends Error {
  override name = 'JsonFault';
}

export function parseJsonBody(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new JsonFault('The body is not UTF-8.');
  const text = bytes.toString('utf8');
  if (isDeeperThan(text, MAX_JSON_DEPTH)) {
    throw new JsonFault(`The body is nested more than ${MAX_JSON_DEPTH} levels deep.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JsonFault(describeFault(text));
  }
  if (/\\u[dD][89a-fA-F]/.test(text) && !isWellFormed(value)) {
    throw new JsonFault(
      'The body has text with half of a surrogate pair (\\ud800 to \\udfff alone), which is no character.',
    );
  }
  return value;
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

function isWellFormed(root: unknown): boolean {
  const rest: unknown[] = [root];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string') {
      if (!value.isWellFormed()) return false;
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) rest.push(key, member);
    }
  }
  return true;
}

function describeFault(text: string): string {
  const at = positionOfFault(text);
  if (at >= text.length) return `The body ends at position ${text.length}, before the JSON does.`;
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
  return `Unexpected ${JSON.stringify(found)} at position ${at} (line ${line}, column ${column}).`;
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/** JSON.parse does not always say where it stopped: index of the first character that cannot continue a JSON text. */
export function positionOfFault(text: string): number {
  let at = 0;
  const eat = (pattern: RegExp) => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const string = () => {
    if (text[at] !== '"') return false;
    at++;
    // By hand: a pattern repeated over a string of megabytes overflows the engine's stack.
    for (;;) {
      const char = text.charCodeAt(at);
      if (char === 0x22) return at++ >= 0;
      if (!(char >= 0x20)) return false;
      if (char !== 0x5c) at++;
      else if (!eat(ESCAPE)) return false;
    }
  };
  const list = (close: string, member: () => boolean): boolean => {
    at++;
    eat(SPACE);
    if (text[at] === close) return at++ >= 0;
    for (;;) {
      eat(SPACE);
      if (!member()) return false;
      eat(SPACE);
      if (text[at] === close) return at++ >= 0;
      if (text[at] !== ',') return false;
      at++;
    }
  };
  const pair = () => {
    if (!string()) return false;
    eat(SPACE);
    if (text[at] !== ':') return false;
    at++;
    return value();
  };
  const value = (): boolean => {
    eat(SPACE);
    if (text[at] === '[') return list(']', value);
    if (text[at] === '{') return list('}', pair);
    return string() || eat(SCALAR);
  };
  if (value()) eat(SPACE);
  return at;
}
