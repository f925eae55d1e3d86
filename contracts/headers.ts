// The headers of the HTTP border, described once for the OpenAPI document.

import type { ZodOpenApiHeaderObject } from 'zod-openapi';

type HeaderDescription = ZodOpenApiHeaderObject & { readonly description: string };

// Without examples: pages that try a request would send them, and an Idempotency-Key or ETag of an example is wrong.
export const requestHeaders = {
  'x-request-id': {
    description:
      'Your id for this request, kept as its correlation id when it is up to 128 letters, digits and . : ~ + / = - _; without it one is made.',
    schema: { type: 'string' },
  },
  traceparent: { description: 'W3C Trace Context; the trace goes on in the events.', schema: { type: 'string' } },
  'x-tenant-id': {
    description:
      'The tenant to act in, of those that you have a part in; without it a person acts in their oldest, a key in its own.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
  },
  'x-consistency-token': {
    description: 'The token of a write of yours: the answer shows that write, or is 503 with Retry-After.',
    schema: { type: 'string', minLength: 1, maxLength: 8192 },
  },
  'Idempotency-Key': {
    description:
      'A text of your own for this one request, such as a UUID; quoted or bare. The same key with the same request joins the first; with another request it is 422.',
    schema: { type: 'string', pattern: String.raw`^("[ !#-\[\]-~]{1,255}"|[!#-~]([ -~]{0,253}[!-~])?)$` },
  },
  'If-Match': {
    description: 'The ETag you last saw, such as `"3"`, or `*`: the command happens only if it still holds, else 412.',
    schema: { type: 'string', pattern: String.raw`^("[0-9]{1,15}"|\*)$` },
  },
  'Last-Event-ID': {
    description: 'The last `id` that a broken stream sent, to go on behind it.',
    schema: { type: 'string', maxLength: 200 },
  },
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
  'x-ratelimit-limit-requests': {
    description: 'Requests a minute, by the limit that leaves the least; absent while none is counted.',
    schema: { type: 'integer' },
    example: 600,
  },
  'x-ratelimit-remaining-requests': {
    description: 'How many of them are left.',
    schema: { type: 'integer' },
    example: 599,
  },
  'x-ratelimit-reset-requests': {
    description: "Until there are more, in OpenAI's notation.",
    schema: { type: 'string' },
    example: '59s',
  },
  'ratelimit-policy': {
    description: 'The same limit, as draft-ietf-httpapi-ratelimit-headers has it.',
    schema: { type: 'string' },
    example: '"default";q=600;w=60',
  },
  ratelimit: {
    description: 'What is left of it, and the seconds until there is more.',
    schema: { type: 'string' },
    example: '"default";r=599;t=59',
  },
  'x-should-retry': {
    description: '`false`: to try again at once, as some clients do, is useless.',
    schema: { type: 'string' },
  },
  'idempotent-replayed': {
    description: '`true`: the answer of an earlier request with this Idempotency-Key.',
    schema: { type: 'string' },
  },
  'www-authenticate': { description: 'How to authenticate.', schema: { type: 'string' }, example: 'Bearer' },
};
