import { randomBytes } from 'node:crypto';

/** W3C Trace Context, version 00; later versions may only append to it. */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** The client's trace continued by a new span of ours; undefined when there is none, or none that is valid. */
export function continueTrace(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string' || header.length > 200) return undefined;
  const [, version, trace, span, flags, rest] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (trace === '0'.repeat(32) || span === '0'.repeat(16)) return undefined;
  return `00-${trace}-${randomBytes(8).toString('hex')}-${flags}`;
}
