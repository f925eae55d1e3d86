// The OpenAPI 3.1 document, made from the route tables. Pure: the same routes give the same document.

import type { ZodObject } from 'zod';
import {
  createDocument,
  type CreateDocumentOptions,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiRequestBodyObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { answerHeaders, requestHeaders } from './headers.ts';
import { openaiProblemSchema, problemSchema } from './problem-schemas.ts';
import { type ProblemCode, problems } from './problems.ts';
import type { RouteAnswer, RouteContract } from './route.ts';

export interface OpenapiInfo {
  readonly version: string;
  readonly serverUrl?: string;
}

/** `routes` in the order in which documents list them. */
export function createOpenapi(routes: readonly RouteContract[], { version, serverUrl = '/' }: OpenapiInfo) {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    const item = (paths[route.path] ??= {});
    item[route.method.toLowerCase() as Lowercase<RouteContract['method']>] = operationOf(route);
  }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Defter',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        description:
          'A self-hosted, multi-tenant server for model inference in which every change is an event. What belongs to another tenant is 404, with the same body as what does not exist.',
      },
      servers: [{ url: serverUrl }],
      tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
      security: [{ apiKey: [] }, { accessToken: [] }],
      paths,
      components: {
        headers: { ...answerHeaders },
        parameters: Object.fromEntries(
          Object.entries(requestHeaders).map(([name, header]) => [
            name,
            { name, in: 'header', required: false, ...header },
          ]),
        ),
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: dft_<id>_<secret>.' },
          accessToken: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: "A person's, from `POST /v1/auth/login`; good for 15 minutes.",
          },
        },
      },
    },
    { override: asSent },
  );
}

/** Answers may gain members, so a client must not refuse those that it does not know; a time's format says enough. */
const asSent: NonNullable<CreateDocumentOptions['override']> = ({ jsonSchema, io }) => {
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
};

function operationOf(route: RouteContract): ZodOpenApiOperationObject {
  const { params: path, query, permission } = route;
  const requestBody = bodyInto(route);
  const needs = permission === undefined ? '' : `Needs the permission \`${permission}\`.`;
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, needs].filter(Boolean).join('\n\n'),
    ...(route.public && { security: route.callerIfAny ? [{}, { accessToken: [] }] : [] }),
    'x-side': route.side,
    ...(permission !== undefined && { 'x-permission': permission }),
    requestParams: {
      ...(path && { path: path as ZodObject }),
      ...(query && { query: query as ZodObject }),
    },
    parameters: headersInto(route).map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ...(requestBody && { requestBody }),
    responses: { ...answersOf(route), ...problemAnswers(route) },
  };
}

function bodyInto({ body, bodyExample, bodyOptional, stream }: RouteContract): ZodOpenApiRequestBodyObject | undefined {
  if (stream)
    return {
      required: true,
      description: `At most ${stream.limit} bytes, read as they arrive; ${stream.idleMs} ms without any end the request.`,
      content: Object.fromEntries(stream.contentTypes.map((type) => [type, {}])),
    };
  if (!body) return undefined;
  const example = bodyExample !== undefined && { example: bodyExample };
  return { required: bodyOptional !== true, content: { 'application/json': { schema: body, ...example } } };
}

function headersInto(route: RouteContract): (keyof typeof requestHeaders)[] {
  const streams = Object.values(route.answers).some((answer) => answer.contentType === 'text/event-stream');
  return [
    'x-request-id',
    'traceparent',
    ...(route.public ? [] : (['x-tenant-id'] as const)),
    ...(route.side === 'query' ? (['x-consistency-token'] as const) : []),
    ...(route.idempotent ? (['Idempotency-Key'] as const) : []),
    ...(route.ifMatch ? (['If-Match'] as const) : []),
    ...(streams ? (['Last-Event-ID'] as const) : []),
  ];
}

const headersOut = (names: readonly string[]) =>
  Object.fromEntries(['x-request-id', ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const answersOf = (route: RouteContract): ZodOpenApiResponsesObject =>
  Object.fromEntries(
    Object.entries<RouteAnswer>(route.answers).map(([status, answer]) => {
      const { description, schema, contentType = 'application/json', example, alternatives } = answer;
      const content = schema && {
        content: { [contentType]: { schema, ...(example !== undefined && { example }) }, ...alternatives },
      };
      return [status, { description, headers: headersOut(answer.headers ?? []), ...content }];
    }),
  );

/** Also on other answers, where a limit is set. */
const RATE_HEADERS = [
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'ratelimit-policy',
  'ratelimit',
];

const HEADERS_OF_STATUS: Readonly<Record<number, readonly string[]>> = {
  401: ['www-authenticate'],
  429: ['retry-after', 'x-should-retry', ...RATE_HEADERS],
  503: ['retry-after'],
};

/** What any route of this kind may answer besides, from its method, its side and what it takes. */
export function problemCodesOf(route: RouteContract): ProblemCode[] {
  const codes = new Set<ProblemCode>(['malformed-url', 'malformed-header', 'invalid-request', 'internal-server-error']);
  codes.add('unavailable').add('too-many-requests');
  if (!route.public) codes.add('unauthorized').add('forbidden').add('tenant-suspended');
  if ((!route.public || route.callerIfAny) && !route.whilePasswordIsDue) codes.add('password-change-required');
  if (route.params !== undefined) codes.add('not-found');
  if (route.body !== undefined) codes.add('malformed-json').add('body-missing');
  if (route.body !== undefined || route.stream !== undefined)
    codes.add('body-too-large').add('unsupported-media-type').add('request-timeout');
  if (route.idempotent) codes.add('idempotency-key-reused');
  if (route.ifMatch) codes.add('revision-mismatch');
  if (route.side === 'query') codes.add('not-caught-up').add('invalid-consistency-token').add('projection-parked');
  for (const code of route.problems ?? []) codes.add(code);
  return [...codes];
}

function problemAnswers(route: RouteContract): ZodOpenApiResponsesObject {
  const schema = route.openai ? openaiProblemSchema : problemSchema;
  const byStatus = Map.groupBy(problemCodesOf(route), (code) => problems[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const description = codes.map((code) => `\`${code}\`: ${problems[code].title}.`).join('\n\n');
      const headers = headersOut(HEADERS_OF_STATUS[status] ?? []);
      return [status, { description, headers, content: { 'application/problem+json': { schema } } }];
    }),
  );
}
