// The headers of the HTTP border, described once for the OpenAPI document.

import type { ZodOpenApiHeaderObject } from 'zod-openapi';

type HeaderDescription = ZodOpenApiHeaderObject & { readonly description: string };

export const requestHeaders = {
  'x-request-id': {
    description:
      'Your id for this request, kept as its correlation id when it is up to 128 letters, digits and . : ~ + / = - _; without it one is made.',
    schema: { type: 'string' },
  },
  traceparent: { description: 'W3C Trace Context; the trace goes on in the events.', schema: { type: 'string' } },
  'x-consistency-token': {
    description: 'The token of a write of yours: the answer shows that write, or is 503 with Retry-After.',
    schema: { type: 'string', maxLength: 8192 },
  },
  'Idempotency-Key': {
    description: 'Quoted or bare. The same key with the same request joins the first; with another request it is 422.',
    schema: { type: 'string', maxLength: 255 },
    example: '"9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"',
  },
  'If-Match': {
    description: 'The ETag you last saw, or *: the command happens only if it still holds, else 412.',
    schema: { type: 'string' },
    example: '"3"',
  },
  'Last-Event-ID': { description: 'Where a broken stream of events is to go on.', schema: { type: 'string' } },
} as const satisfies Record<string, HeaderDescription>;

export const answerHeaders: Readonly<Record<string, HeaderDescription>> = {
  'x-request-id': { description: 'The correlation id of this request.', schema: { type: 'string' } },
  'x-consistency-token': {
    description: 'Send it with a read that must show this write, on any replica.',
    schema: { type: 'string' },
  },
  etag: { description: 'The revision, quoted.', schema: { type: 'string' }, example: '"3"' },
  location: { description: 'Where to read it.', schema: { type: 'string' } },
  'retry-after': { description: 'Seconds to wait.', schema: { type: 'integer' }, example: 1 },
  'idempotent-replayed': {
    description: '`true`: the answer of an earlier request with this Idempotency-Key.',
    schema: { type: 'string' },
  },
  'www-authenticate': { description: 'How to authenticate.', schema: { type: 'string' }, example: 'Bearer' },
};
