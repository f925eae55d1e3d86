import { asError } from '../errors.ts';
// Turns what code gives to a log into plain data of bounded size, with secrets masked: what comes out can be written as
// JSON and posted to another thread.

/** Names of fields whose value is never logged, wherever they are. `keyId`, `apiKeyId`, `inputTokens` are not among them. */
const secretName =
  /^(?:proxy-?)?authorization$|^(?:set-)?cookie$|secret|passw(?:or)?d|passphrase|credential(?:s|value)?$|api-?_?key$|master-?_?key$|private-?_?key$|token$|^bearer$/i;

/** What looks like one of Defter's API keys or a bearer token inside a text. */
const secretText = /\bdft_([A-Za-z0-9-]+)_[A-Za-z0-9_-]{8,}|\b(Bearer) +[A-Za-z0-9._~+/=-]{8,}/g;

/** Members that every line has; a field of that name gets an underscore before it. */
const reserved = new Set(['name', 'hostname', 'pid', 'level', 'msg', 'time', 'v', 'thread']);

const mask = '***';
const longest = { text: 16_384, items: 100, depth: 8 };

/** The fields of a log line as plain, masked data. Cycles end in `[circular]`. Reading a field never throws out of here. */
export function plainFields(fields: object): Record<string, unknown> {
  const entries = Object.entries(plainData(fields));
  return Object.fromEntries(entries.map(([name, value]) => [reserved.has(name) ? `_${name}` : name, value]));
}

/** Plain, masked data of bounded size, whatever it is given. */
export function plainData(fields: object): Record<string, unknown> {
  try {
    return plainObject(fields, []);
  } catch (error) {
    return { unloggable: asError(error).message };
  }
}

function plain(value: unknown, above: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
      return plainText(value);
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return '[function]';
    case 'object':
      return value === null ? null : plainReference(value, above);
    default:
      return value;
  }
}

function plainText(text: string): string {
  const cut = text.length > longest.text ? `${text.slice(0, longest.text)}… (${text.length} characters)` : text;
  return cut.replace(secretText, (_, keyId?: string, bearer?: string) =>
    bearer ? `${bearer} ${mask}` : `dft_${keyId}_${mask}`,
  );
}

function plainReference(value: object, above: readonly object[]): unknown {
  if (above.includes(value)) return '[circular]';
  if (above.length >= longest.depth) return '[too deep]';
  const path = [...above, value];
  if (value instanceof Error) return plainError(value, path);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (value instanceof URL) return plainText(`${value.origin}${value.pathname}`);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return plainList(value, path);
  if (value instanceof Set) return plainList([...value], path);
  if (value instanceof Map) return plainObject(Object.fromEntries(value), path);
  return plainObject(value, path);
}

function plainList(values: readonly unknown[], path: readonly object[]): unknown[] {
  const first = values.slice(0, longest.items).map((value) => plain(value, path));
  return values.length > longest.items ? [...first, `… (${values.length} items)`] : first;
}

function plainObject(value: object, path: readonly object[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value).slice(0, longest.items)) {
    if (member === undefined) continue;
    result[name] = secretName.test(name) && member !== null && typeof member !== 'boolean' ? mask : plain(member, path);
  }
  return result;
}

/** With stack, cause and the error's own fields (`code`, `retriable`, …). */
function plainError(error: Error, path: readonly object[]): Record<string, unknown> {
  const { cause, stack = '' } = error;
  return {
    ...plainObject(error, path),
    name: error.name,
    message: plainText(error.message),
    stack: plainText(stack),
    ...(cause !== undefined && { cause: plain(cause, path) }),
    ...(error instanceof AggregateError && { errors: plainList(error.errors, path) }),
  };
}
