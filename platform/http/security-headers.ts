import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

export interface SecurityHeaders {
  /** All that helmet sets. Pages bring a `content-security-policy` of their own. */
  readonly page: Readonly<Record<string, string>>;
  /** What means something on an answer that no browser shows (OWASP REST security cheat sheet), and no cache may keep. */
  readonly data: Readonly<Record<string, string>>;
}

const ON_DATA = ['content-security-policy', 'x-content-type-options', 'x-frame-options', 'strict-transport-security'];

/** Read off helmet once: they are the same for each answer. */
export function createSecurityHeaders(): SecurityHeaders {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value),
    removeHeader: (name: string) => delete headers[name.toLowerCase()],
  };
  let failure: unknown;
  const run = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
  });
  run({} as IncomingMessage, response as unknown as ServerResponse, (error) => (failure = error));
  if (failure !== undefined) throw failure;
  const data = Object.fromEntries(Object.entries(headers).filter(([name]) => ON_DATA.includes(name)));
  return { page: headers, data: { ...data, 'cache-control': 'no-store' } };
}
