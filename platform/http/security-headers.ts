import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

/**
 * The headers that helmet sets, read off it once: they are the same for each answer, and running it per request costs
 * more than all else of the floor. Answers that are pages bring a `content-security-policy` of their own.
 */
export function createSecurityHeaders(): Readonly<Record<string, string>> {
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
  return headers;
}
