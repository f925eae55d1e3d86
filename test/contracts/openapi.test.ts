import { expect } from 'chai';
import { allRoutes } from '#contracts/all-routes.ts';
import { createOpenapi, problemCodesOf } from '#contracts/openapi.ts';
import { problems } from '#contracts/problems.ts';
import type { RouteContract } from '#contracts/route.ts';
import { readEventStream } from '../support/read-event-stream.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly security?: readonly unknown[];
  readonly operationId: string;
  readonly summary: string;
  readonly 'x-permission'?: string;
  readonly parameters: readonly (Json & { $ref?: string; name?: string; in?: string; required?: boolean })[];
  readonly requestBody?: { content: Record<string, { schema: Json; example?: unknown }> };
  readonly responses: Readonly<Record<string, { description: string; headers: Json; content?: Record<string, Json> }>>;
}

const document = createOpenapi(allRoutes, { version: '1.2.3' }) as unknown as Json & {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, Json>>;
};
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

function* walk(value: unknown, path = '#'): Generator<[path: string, key: string, value: unknown]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    yield [path, key, member];
    yield* walk(member, `${path}/${key}`);
  }
}

function resolve(reference: string): unknown {
  let found: unknown = document;
  for (const part of reference.slice(2).split('/')) found = (found as Json | undefined)?.[part];
  return found;
}

describe('the OpenAPI document', () => {
  it('is 3.1, is plain JSON, and is the same each time', () => {
    expect(document['openapi']).to.match(/^3\.1\.\d$/);
    expect(document['info']).to.include({ title: 'Defter', version: '1.2.3' });
    expect(JSON.parse(JSON.stringify(document))).to.deep.equal(document);
    expect(createOpenapi(allRoutes, { version: '1.2.3' })).to.deep.equal(document);
  });

  it('has an operation for each route, each with an id of its own', () => {
    expect(operations).to.have.length(allRoutes.length);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const id of ids) expect(id).to.match(/^[a-z][A-Za-z]+$/);
  });

  it('refers only to what is there, and has no component that nothing refers to', () => {
    const referred = new Set<string>();
    for (const [path, key, value] of walk(document)) {
      if (key !== '$ref') continue;
      expect(resolve(String(value)), `${path} → ${String(value)}`).to.be.an('object');
      referred.add(String(value));
    }
    for (const name of Object.keys(document.components['schemas'] ?? {})) {
      expect(referred.has(`#/components/schemas/${name}`), name).to.equal(true);
    }
  });

  it('declares each path parameter once, as required, and no other', () => {
    for (const { path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(declared.map((parameter) => parameter.name)).to.deep.equal(inPath);
      for (const parameter of declared) expect(parameter.required).to.equal(true);
      const keys = operation.parameters.map((one) => one.$ref ?? `${one.in} ${one.name}`);
      expect(new Set(keys).size).to.equal(keys.length);
    }
  });

  it('has no example of a header, which a page that tries a request would send', () => {
    for (const parameter of Object.values(document.components['parameters'] ?? {}))
      expect(parameter).not.to.have.any.keys('example', 'examples');
  });

  it('gives each parameter and each body a schema that leaves no text without a bound', () => {
    const boundless: string[] = [];
    const check = (schema: unknown, where: string) => {
      for (const [path, key, value] of walk({ schema }, where)) {
        if (typeof value !== 'object' || value === null || key === 'example' || key === 'examples') continue;
        const { type, maxLength, pattern, format, enum: options, const: constant } = value as Json;
        const bounded =
          [maxLength, pattern, options, constant].some((one) => one !== undefined) || format === 'date-time';
        if (type === 'string' && !bounded) boundless.push(`${path}/${key}`);
      }
    };
    for (const { operation } of operations) {
      for (const parameter of operation.parameters) {
        if (parameter.$ref === undefined) check(parameter['schema'], `${operation.operationId}/${parameter.name}`);
      }
      for (const media of Object.values(operation.requestBody?.content ?? {})) {
        const name = media.schema['$ref'];
        check(typeof name === 'string' ? resolve(name) : media.schema, `${operation.operationId}/body`);
      }
    }
    expect(boundless).to.deep.equal([]);
  });

  it('refuses unknown members in each body but the chat form', () => {
    const loose: string[] = [];
    for (const [path, key, value] of walk(document.components['schemas'])) {
      if (path !== '#' || /^(?:ChatForm|ModelDefaults|.*Problem)$/.test(key)) continue;
      const isBody = allRoutes.some((route) => {
        const json = JSON.stringify(document.paths[route.path]?.[route.method.toLowerCase()]?.requestBody ?? {});
        return json.includes(`schemas/${key}"`);
      });
      if (isBody && (value as Json)['additionalProperties'] !== false) loose.push(key);
    }
    expect(loose).to.deep.equal([]);
  });

  it('describes for each operation the problems of its kind', () => {
    for (const { operation } of operations) {
      const { responses, requestBody } = operation;
      for (const status of ['422', '500', '503']) expect(responses).to.have.property(status);
      const { security } = operation as { security?: readonly object[] };
      // An empty requirement among others: a credential may be sent, and needs not be.
      const asks = security?.length !== 0 && (security?.every((one) => Object.keys(one).length > 0) ?? true);
      if (asks) expect(responses).to.have.property('401');
      if (operation['x-permission']) expect(responses).to.have.property('403');
      if (requestBody)
        for (const status of ['400', '408', '413', '415', '422']) expect(responses).to.have.property(status);
      for (const [status, answer] of Object.entries(responses)) {
        expect(answer.description).to.be.a('string').and.not.equal('');
        expect(answer.headers).to.have.property('x-request-id');
        if (Number(status) >= 400) expect(answer.content).to.have.all.keys('application/problem+json');
      }
    }
    const known = (id: string) => problemCodesOf(allRoutes.find((route) => route.id === id) as RouteContract);
    expect(known('submitInference')).to.include.members([
      'model-not-found',
      'idempotency-key-reused',
      'body-too-large',
    ]);
    expect(known('getInference')).to.include.members(['not-found', 'not-caught-up']);
    expect(known('listModels')).not.to.include('body-too-large');
    // Moments and what was read at them are found in an index.
    for (const { id } of allRoutes.filter(({ path }) => /^[/]v1[/](audit|streams)|[/](as-of|diff|history)$/.test(path)))
      expect(known(id), id).to.include('search-timed-out');
  });

  it('says of a body that is never held whole its media types, its bound and what it is refused for', () => {
    const upload: RouteContract = {
      id: 'upload',
      method: 'POST',
      path: '/v1/files',
      side: 'command',
      anyCaller: true,
      tag: 'Files',
      summary: 'Upload a file',
      stream: { contentTypes: ['application/x-ndjson', 'multipart/form-data'], limit: 1_000, idleMs: 500 },
      answers: { 201: { description: 'It is there.' } },
    };
    const { paths } = createOpenapi([upload], { version: '1.2.3' });
    const { requestBody, responses } = paths?.['/v1/files']?.post ?? {};
    expect(requestBody).to.deep.equal({
      required: true,
      description: 'At most 1000 bytes, read as they arrive; 500 ms without any end the request.',
      content: { 'application/x-ndjson': {}, 'multipart/form-data': {} },
    });
    expect(responses).to.include.keys('201', '408', '413', '415');
    expect(problemCodesOf(upload)).not.to.include('malformed-json').and.not.to.include('body-missing');
  });

  it('says what a stream of events sends', () => {
    const stream = operations.find(({ operation }) => operation.operationId === 'streamInference')?.operation;
    const media = stream?.responses['200']?.content?.['text/event-stream'] as { schema: Json; example: string };
    const { oneOf } = resolve(String(media.schema['$ref'])) as { oneOf: { properties: { event: Json; data: Json } }[] };
    expect(oneOf.map(({ properties }) => properties.event['const'])).to.deep.equal(['status', 'token', 'end']);
    for (const { properties } of oneOf)
      expect(properties.data).to.satisfy((data: Json) => data['$ref'] ?? data['properties']);
    expect(media.example).to.match(/^event: status\ndata: \{/);
  });

  it('names the headers of writes, of reads with a token, and of idempotent commands', () => {
    const of = (id: string) => operations.find(({ operation }) => operation.operationId === id)?.operation as Operation;
    const into = (id: string) => of(id).parameters.map((parameter) => parameter.$ref?.split('/').at(-1));
    expect(into('submitInference')).to.include.members(['Idempotency-Key', 'x-request-id']);
    expect(into('getInference')).to.include('x-consistency-token').and.not.to.include('Idempotency-Key');
    expect(into('streamInference')).to.include('Last-Event-ID');
    expect(of('submitInference').responses['202']?.headers).to.include.keys('location', 'etag', 'x-consistency-token');
  });
});

describe('the route tables', () => {
  it('keep to the rules that the servers rest on', () => {
    const seen = new Set<string>();
    for (const route of allRoutes) {
      const where = `${route.method} ${route.path}`;
      expect(seen.has(where), where).to.equal(false);
      seen.add(where);
      expect([route.permission, route.public, route.anyCaller].filter(Boolean), where).to.have.length(1);
      expect(/\{\w+\}/.test(route.path), where).to.equal(route.params !== undefined);
      const reads = route.method === 'GET' || /\/(?:search|query)$/.test(route.path);
      expect(route.side, where).to.equal(reads ? 'query' : 'command');
      // What one does to one's own account needs none: doing it twice is doing it once.
      if (route.side === 'command')
        expect(route.idempotent, where).to.equal(route.permission === undefined ? undefined : true);
      if (route.slashes !== undefined) expect(route.path).to.contain(`{${route.slashes}}`);
      for (const code of route.problems ?? []) expect(problems).to.have.property(code);
    }
  });

  it('have ids that are their names', async () => {
    const { inferenceRoutes } = await import('#contracts/inferences.ts');
    const { modelRoutes } = await import('#contracts/models.ts');
    for (const [name, route] of Object.entries({ ...inferenceRoutes, ...modelRoutes })) expect(route.id).to.equal(name);
  });

  it('have examples that fit their own schemas', () => {
    for (const route of allRoutes) {
      if (route.bodyExample !== undefined) {
        expect(route.body?.safeParse(route.bodyExample).success, `${route.id} body`).to.equal(true);
      }
      for (const [status, answer] of Object.entries<RouteContract['answers'][number]>(route.answers)) {
        if (answer.example === undefined) continue;
        const isStream = answer.contentType === 'text/event-stream';
        const examples = isStream ? readEventStream(answer.example as string) : [answer.example];
        expect(examples).not.to.deep.equal([]);
        for (const example of examples)
          expect(answer.schema?.safeParse(example).error?.issues ?? [], `${route.id} ${status}`).to.deep.equal([]);
      }
    }
  });
});
