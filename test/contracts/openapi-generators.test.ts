// What generators of clients and of tests draw from the document is what the server takes.

import { expect } from 'chai';
import fc from 'fast-check';
import { allRoutes } from '#contracts/all-routes.ts';
import { createOpenapi } from '#contracts/openapi.ts';
import type { RouteContract } from '#contracts/route.ts';
import { type Schema, validFromJsonSchema } from '../support/valid-from-json-schema.ts';

interface Operation {
  readonly parameters: readonly {
    readonly in: string;
    readonly name: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

const { paths, components } = createOpenapi(allRoutes, { version: '1.2.3' }) as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

/** Lookarounds, named groups and classes by property, which not every dialect has; and `\w`, `\d` and `\b`, which differ. */
const NOT_EVERYWHERE = /\(\?(?!:)|\\[pPkwWdDbB]/;

const drawn = (schema: Schema) => validFromJsonSchema(components.schemas, schema);

const isTaken = (route: RouteContract, part: 'body' | 'query' | 'params', value: unknown) => {
  const issues = route[part]?.safeParse(value).error?.issues ?? [];
  expect(issues, `${route.id} ${part}: ${JSON.stringify(value)}`).to.deep.equal([]);
};

describe('a generator that reads the OpenAPI document', () => {
  it('finds only patterns that it can draw from', () => {
    const patterns: string[] = [];
    JSON.stringify({ paths, components }, (key, value: unknown) => {
      if (key === 'pattern' && typeof value === 'string') patterns.push(value);
      return value;
    });
    expect(patterns).to.have.length.greaterThan(20);
    expect(patterns.filter((pattern) => NOT_EVERYWHERE.test(pattern))).to.deep.equal([]);
  });

  for (const route of allRoutes) {
    const operation = paths[route.path]?.[route.method.toLowerCase()] as Operation;
    const [media] = Object.values(operation.requestBody?.content ?? {});
    if (media)
      it(`draws bodies of ${route.id} that are taken`, () => {
        fc.assert(fc.property(drawn(media.schema), (body) => isTaken(route, 'body', body)));
      });

    const named = (place: string) => operation.parameters.filter((parameter) => parameter.in === place);
    for (const [place, part] of [
      ['path', 'params'],
      ['query', 'query'],
    ] as const)
      if (named(place).length > 0)
        it(`draws parameters of ${route.id} in its ${place} that are taken`, () => {
          const fields = Object.fromEntries(named(place).map(({ name, schema }) => [name, drawn(schema)]));
          const requiredKeys = named(place).flatMap(({ name, required }) => (required ? [name] : []));
          const asSent = fc.record(fields, { requiredKeys });
          fc.assert(
            fc.property(asSent, (values) =>
              isTaken(
                route,
                part,
                Object.fromEntries(Object.entries(values).map(([name, value]) => [name, sent(value)])),
              ),
            ),
          );
        });
  }
});

/** In a URL every value is text, and several of one name are a list. */
const sent = (value: unknown) => (Array.isArray(value) ? value : String(value));
