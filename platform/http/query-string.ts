/** Fields by name, a repeated name as an array; undefined when a percent-encoding is broken. */
export function parseQueryString(text: string): Record<string, string | string[]> | undefined {
  const fields = Object.create(null) as Record<string, string | string[]>;
  if (text === '') return fields;
  try {
    for (const part of text.split('&')) {
      if (part === '') continue;
      const equals = part.indexOf('=');
      const name = decode(equals === -1 ? part : part.slice(0, equals));
      const value = equals === -1 ? '' : decode(part.slice(equals + 1));
      const before = fields[name];
      if (before === undefined) fields[name] = value;
      else if (typeof before === 'string') fields[name] = [before, value];
      else before.push(value);
    }
  } catch {
    return undefined;
  }
  return fields;
}

const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
