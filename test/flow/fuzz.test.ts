import { expect } from 'chai';
import fc from 'fast-check';
import { eventually } from '../support/eventually.ts';
import {
  type JsonSchema,
  fromJsonSchema,
  type OpenApiDocument,
  type OpenApiOperation,
} from '../support/from-json-schema.ts';
import { describeFlow } from './with-defter.ts';

const RUNS_PER_ROUTE = 40;
/** Well within what a person would call a hang. */
const ANSWER_WITHIN_MS = 10_000;

const ids = fc.oneof(
  fc.uuid(),
  fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
  fc.constantFrom('..', '.', '%', '__proto__', 'constructor', 'x'.repeat(3_000), '\u0000', 'a/b', "' OR 1=1 --"),
);

const headers = fc.record(
  {
    'idempotency-key': fc.string({ maxLength: 40 }),
    'if-match': fc.constantFrom('*', '"0"', '"1"', '"999999999999999"', 'W/"1"', 'x'),
    'x-consistency-token': fc.base64String({ maxLength: 200 }),
    'last-event-id': fc.string({ maxLength: 20 }),
    traceparent: fc.string({ maxLength: 60 }),
    'x-request-id': fc.string({ maxLength: 60 }),
  },
  { requiredKeys: [] },
);

/** What a header may not hold never leaves the client. */
const sendable = (fields: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(
    Object.entries(fields).filter(([, text]) => text !== undefined && /^[\x21-\x7e]+$/.test(text)),
  ) as Record<string, string>;

interface Sent {
  readonly path: Record<string, string>;
  readonly query: Record<string, unknown>;
  readonly headers: Record<string, string | undefined>;
  readonly body: unknown;
}

function requestFor(document: OpenApiDocument, { parameters = [], requestBody }: OpenApiOperation): fc.Arbitrary<Sent> {
  const named = (where: string, value: (schema: JsonSchema) => fc.Arbitrary<unknown>) =>
    Object.fromEntries(parameters.filter((one) => one.in === where).map(({ name, schema }) => [name, value(schema)]));
  const [content] = Object.values(requestBody?.content ?? {});
  return fc.record({
    path: fc.record(named('path', () => ids)) as fc.Arbitrary<Record<string, string>>,
    query: fc.record(
      named('query', (schema) => fromJsonSchema(document, schema)),
      { requiredKeys: [] },
    ),
    headers,
    body: content ? fromJsonSchema(document, content.schema) : fc.constant(undefined),
  });
}

function urlOf(template: string, { path, query }: Sent): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name]?.toWellFormed() ?? ''),
  );
  const fields = Object.entries(query).map(
    ([name, value]) =>
      `${name}=${encodeURIComponent((typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed())}`,
  );
  return fields.length > 0 ? `${filled}?${fields.join('&')}` : filled;
}

describeFlow('whatever is sent to any route', (flow) => {
  it('is answered below 500, as JSON that says why, and the server stays ready', async function () {
    this.timeout(120_000);
    const { url, newTenant } = flow();
    const keys = fc.constantFrom(flow().key, (await newTenant('fuzzers')).key);
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApiDocument;
    const routes = Object.entries(document.paths).flatMap(([template, item]) =>
      Object.entries(item).map(([method, operation]) => ({ template, method: method.toUpperCase(), operation })),
    );
    expect(routes.length).to.be.greaterThan(15);
    for (const { template, method, operation } of routes) {
      await fc.assert(
        fc.asyncProperty(requestFor(document, operation), keys, async (sent, key) => {
          const body = sent.body === undefined ? undefined : JSON.stringify(sent.body);
          const answer = await fetch(`${url}${urlOf(template, sent)}`, {
            method,
            headers: {
              ...sendable(sent.headers),
              authorization: `Bearer ${key}`,
              ...(body !== undefined && { 'content-type': 'application/json' }),
            },
            ...(body !== undefined && { body }),
            signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
          });
          // A stream that goes on has no end to wait for.
          if (answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer.body?.cancel();
          const text = await answer.text();
          expect(answer.status, `${method} ${template}: ${text}`).to.be.lessThan(500);
          if (answer.status >= 400) {
            const problem = JSON.parse(text) as { status: number; code: string; title: string };
            expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
            expect(problem.status).to.equal(answer.status);
            expect(problem.code).to.match(/^[a-z-]+$/);
          }
        }),
        { numRuns: RUNS_PER_ROUTE },
      );
    }
    await eventually(async () => expect((await fetch(`${url}/readyz`)).status).to.equal(200));
    const done = await flow().api<{ id: string }>('POST', '/v1/inferences', {
      body: { model: 'language-id', input: 'still here' },
    });
    expect((await flow().api('GET', `/v1/inferences/${done.body.id}?wait=30s`)).body['status']).to.equal('completed');
  });
});
