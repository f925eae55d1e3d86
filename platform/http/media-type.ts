import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'node:util';
import { type HttpProblems, Problem } from './problem.ts';

/** Refuses, with 415, a body of another type than these, one that is encoded, and text that is not UTF-8. */
export function requireMediaType(
  headers: IncomingHttpHeaders,
  accepted: readonly string[],
  problems: HttpProblems,
): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem(problems['unsupported-media-type'], {
      detail: `content-encoding ${encoding.slice(0, 40)} is not supported; send the body as it is.`,
      headers: { 'accept-encoding': 'identity' },
    });
  }
  const type = headers['content-type'];
  if (type !== undefined && (accepted.includes(type) || isOneOf(type, accepted))) return;
  const wanted = accepted.join(' or ');
  throw new Problem(problems['unsupported-media-type'], {
    detail: `Send content-type: ${wanted}${type === undefined ? '' : `, not ${type.slice(0, 80)}`}.`,
    headers: { accept: accepted.join(', ') },
  });
}

/** Parameters other than the charset say nothing to us (RFC 8259, section 11) or are the handler's, as a boundary is. */
function isOneOf(text: string, accepted: readonly string[]): boolean {
  try {
    const { essence, params } = new MIMEType(text);
    return accepted.includes(essence) && /^utf-?8$/i.test(params.get('charset') ?? 'utf-8');
  } catch {
    return false;
  }
}
