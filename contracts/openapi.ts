// The OpenAPI 3.1 document, made from the route tables. Pure: the same routes give the same document.

import { z } from 'zod';
import { answerHeaders, requestHeaders } from './headers.ts';
import { createJsonSchemas, type Json, type JsonSchemas } from './json-schemas.ts';
import { type ProblemCode, problems } from './problems.ts';
import type { RouteAnswer, RouteContract } from './route.ts';

export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'A path on this server: /problems/<code>.' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    instance: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z
      .array(
        z.object({
          in: z.enum(['body', 'query', 'path', 'header']),
          pointer: z.string().meta({ description: 'RFC 6901, into that part.' }),
          message: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'Each fault that was found.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' });

export const openaiProblemSchema = problemSchema
  .extend({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .meta({ id: 'OpenaiProblem', description: "RFC 9457, with OpenAI's error beside it." });

export interface OpenapiInfo {
  readonly version: string;
  readonly serverUrl?: string;
}

/** `routes` in the order in which documents list them. */
export function createOpenapi(routes: readonly RouteContract[], { version, serverUrl = '/' }: OpenapiInfo): Json {
  const schemas = createJsonSchemas();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const item = (paths[route.path] ??= {});
    item[route.method.toLowerCase()] = operationOf(route, schemas);
  }
  return {
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
    security: [{ apiKey: [] }],
    paths,
    components: {
      schemas: schemas.components,
      headers: Object.fromEntries(Object.entries(answerHeaders)),
      parameters: Object.fromEntries(
        Object.entries(requestHeaders).map(([name, header]) => [
          name,
          { name, in: 'header', required: false, ...header },
        ]),
      ),
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: dft_<id>_<secret>.' },
      },
    },
  };
}

function operationOf(route: RouteContract, schemas: JsonSchemas): Json {
  const parameters = [
    ...partsOf(route, 'path', schemas),
    ...partsOf(route, 'query', schemas),
    ...headersInto(route).map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ];
  const needs = route.permission === undefined ? '' : `Needs the permission \`${route.permission}\`.`;
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, needs].filter(Boolean).join('\n\n'),
    ...(route.public ? { security: [] } : {}),
    'x-side': route.side,
    ...(route.permission === undefined ? {} : { 'x-permission': route.permission }),
    parameters,
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: route.bodyOptional !== true,
            content: {
              'application/json': {
                schema: schemas.of(route.body, 'input'),
                ...(route.bodyExample === undefined ? {} : { example: route.bodyExample }),
              },
            },
          },
        }),
    responses: { ...answersOf(route, schemas), ...problemAnswers(route, schemas) },
  };
}

function partsOf(route: RouteContract, place: 'path' | 'query', schemas: JsonSchemas): Json[] {
  const schema = place === 'path' ? route.params : route.query;
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemas.of(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    ...(name === route.slashes ? { 'x-slashes': true } : {}),
    schema: property,
  }));
}

function headersInto(route: RouteContract): (keyof typeof requestHeaders)[] {
  const streams = Object.values(route.answers).some((answer) => answer.contentType === 'text/event-stream');
  return [
    'x-request-id',
    'traceparent',
    ...(route.side === 'query' ? (['x-consistency-token'] as const) : []),
    ...(route.idempotent ? (['Idempotency-Key'] as const) : []),
    ...(route.ifMatch ? (['If-Match'] as const) : []),
    ...(streams ? (['Last-Event-ID'] as const) : []),
  ];
}

const headersOut = (names: readonly string[]) => ({
  headers: Object.fromEntries(
    ['x-request-id', ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  ),
});

function answersOf(route: RouteContract, schemas: JsonSchemas): Record<string, Json> {
  const entries = Object.entries(route.answers).map(([status, answer]: [string, RouteAnswer]) => {
    const { schema, contentType = 'application/json', example } = answer;
    const media = {
      schema: schema === undefined ? { type: 'string' } : schemas.of(schema, 'output'),
      ...(example === undefined ? {} : { example }),
    };
    const hasBody = schema !== undefined || answer.contentType !== undefined;
    return [
      status,
      {
        description: answer.description,
        ...headersOut(answer.headers ?? []),
        ...(hasBody ? { content: { [contentType]: media } } : {}),
      },
    ] as const;
  });
  return Object.fromEntries(entries);
}

const HEADERS_OF_STATUS: Readonly<Record<number, readonly string[]>> = {
  401: ['www-authenticate'],
  429: ['retry-after'],
  503: ['retry-after'],
};

/** What any route of this kind may answer besides, from its method, its side and what it takes. */
export function problemCodesOf(route: RouteContract): ProblemCode[] {
  const codes = new Set<ProblemCode>(['malformed-url', 'malformed-header', 'internal-server-error', 'unavailable']);
  if (!route.public) codes.add('unauthorized').add('forbidden').add('too-many-requests');
  if (route.params !== undefined) codes.add('not-found');
  if (route.query !== undefined || (route.params !== undefined && route.method === 'PUT')) codes.add('invalid-request');
  if (route.body !== undefined) {
    codes.add('malformed-json').add('body-missing').add('body-too-large').add('unsupported-media-type');
    codes.add('invalid-request');
  }
  if (route.idempotent) codes.add('idempotency-key-reused');
  if (route.ifMatch) codes.add('revision-mismatch');
  if (route.side === 'query') codes.add('not-caught-up').add('invalid-consistency-token').add('projection-parked');
  for (const code of route.problems ?? []) codes.add(code);
  return [...codes];
}

function problemAnswers(route: RouteContract, schemas: JsonSchemas): Record<string, Json> {
  const schema = schemas.of(route.openai ? openaiProblemSchema : problemSchema, 'output');
  const byStatus = Map.groupBy(problemCodesOf(route), (code) => problems[code].status);
  const statuses = [...byStatus.keys()].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const codes = byStatus.get(status) ?? [];
      const description = codes.map((code) => `\`${code}\`: ${problems[code].title}.`).join('\n\n');
      const answer = {
        description,
        ...headersOut(HEADERS_OF_STATUS[status] ?? []),
        content: { 'application/problem+json': { schema } },
      };
      return [String(status), answer];
    }),
  );
}
