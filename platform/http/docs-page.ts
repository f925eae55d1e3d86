// Documents of the HTTP border, for people and for programs: /docs shows /openapi.json with swagger-ui, every file from
// this server. /problems/<code> says what a problem's `type` means.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type HttpProblems, Problem, type ProblemKind, problemType } from './problem.ts';
import { anyQuery, type BoundRoute, bindRoute } from './route.ts';

export interface DocsOptions {
  /** The OpenAPI document. */
  readonly openapi: object;
  readonly title: string;
  readonly problems: HttpProblems & Readonly<Record<string, ProblemKind>>;
}

// swagger-ui sets style attributes and shows its icons as data: URLs; scripts come from this server only.
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

export function createDocsRoutes({ openapi, title, problems }: DocsOptions): BoundRoute[] {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const text = JSON.stringify(openapi);
  const etag = etagOfText(text);
  const page = pageOf(title);
  const get = (id: string, path: string) => ({ id, method: 'GET', path, query: anyQuery, public: true }) as const;
  const asset = (name: string, contentType: string, content: string | Buffer) =>
    bindRoute(get(`docs:${name}`, `/docs/${name}`), () => ({
      status: 200,
      headers: { 'content-type': contentType, 'cache-control': 'public, max-age=3600' },
      bytes: content,
    }));
  const kinds = new Map(Object.values(problems).map((kind) => [kind.code, kind]));
  const problemKind = { ...get('problemKind', '/problems/{code}'), params: z.object({ code: z.string() }) } as const;
  return [
    bindRoute(get('openapi', '/openapi.json'), (request) =>
      request.headers['if-none-match'] === etag
        ? { status: 304, headers: { etag, 'cache-control': 'no-cache' } }
        : {
            status: 200,
            headers: { 'content-type': 'application/json; charset=utf-8', etag, 'cache-control': 'no-cache' },
            bytes: text,
          },
    ),
    bindRoute(get('docs', '/docs'), () => ({
      status: 200,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': CSP,
        'cache-control': 'no-cache',
      },
      bytes: page,
    })),
    asset('start.js', 'text/javascript; charset=utf-8', START),
    ...Object.entries(FILES).map(([name, type]) => asset(name, type, readFileSync(join(folder, name)))),
    bindRoute(problemKind, ({ params }) => {
      const kind = kinds.get(params.code);
      if (kind === undefined) throw new Problem(problems['not-found'], { detail: 'There is no such problem.' });
      return { status: 200, body: { type: problemType(kind.code), ...kind } };
    }),
  ];
}

const etagOfText = (text: string) => `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const pageOf = (title: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;
