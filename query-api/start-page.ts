// GET /: one page until the dashboard stands there. It shows no key and asks for none.

import { createHash } from 'node:crypto';
import { anyQuery, type BoundRoute, bindRoute } from '#platform/http/route.ts';
import { examples } from '#contracts/examples.ts';

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.55 system-ui, sans-serif; }
  body { max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; }
  h1 { margin: 0; font-size: 1.9rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
  pre { padding: .9rem 1rem; border: 1px solid #8884; border-radius: 8px; background: #8881; white-space: pre-wrap; overflow-wrap: anywhere; }
  code, pre { font: .86rem/1.5 ui-monospace, monospace; } code { white-space: nowrap; }
  .lead { color: #777; margin: .25rem 0 0; } a { color: #2a6fdb; } .ok { color: #1a8f4c; } .bad { color: #c0392b; }
`;

const SCRIPT = `
  const state = document.querySelector('#state');
  const look = async () => {
    try {
      const { status, checks } = await (await fetch('/readyz')).json();
      const waiting = Object.entries(checks).filter(([, text]) => text !== 'ready').map(([name, text]) => name + ': ' + text);
      state.textContent = status === 'ready' ? 'ready' : 'not ready (' + waiting.join('; ') + ')';
      state.className = status === 'ready' ? 'ok' : 'bad';
    } catch { state.textContent = 'not reachable'; state.className = 'bad'; }
  };
  look(); setInterval(look, 5000);
`;

const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const POLICY = [
  `default-src 'none'`,
  `style-src ${sha256(STYLE)}`,
  `script-src ${sha256(SCRIPT)}`,
  `connect-src 'self'`,
  `frame-ancestors 'none'`,
  `base-uri 'none'`,
].join('; ');

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function page(url: string): string {
  const commands = examples(url, 'YOUR_API_KEY')
    .map(({ title, command }) => `<h2>${escaped(title)}</h2>\n<pre>${escaped(command)}</pre>`)
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Defter</title><style>${STYLE}</style></head>
<body>
<h1>Defter</h1>
<p class="lead">Model inference in which every change is an event.</p>
<p>This server is <strong id="state">…</strong>. Its API is described at <a href="/docs">/docs</a>
(<a href="/openapi.json">openapi.json</a>).</p>
${commands}
<h2>With an OpenAI client</h2>
<pre>export OPENAI_BASE_URL=${escaped(url)}/v1
export OPENAI_API_KEY=YOUR_API_KEY</pre>
<p>The first start showed the first key, or wrote it to <code>first-key</code> in its data folder.
<code>npm run key -- new</code> makes another.</p>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

const HOST = /^[\w.-]{1,253}(:\d{1,5})?$|^\[[\da-f:.]{2,45}\](:\d{1,5})?$/i;

export function createStartPage(url: () => string): BoundRoute {
  return bindRoute(
    { id: 'startPage', method: 'GET', path: '/', query: anyQuery, public: true } as const,
    ({ headers }) => {
      const { host } = headers;
      const shown = host !== undefined && HOST.test(host) ? `http://${host}` : url();
      const type = 'text/html; charset=utf-8';
      return {
        status: 200,
        headers: { 'content-type': type, 'content-security-policy': POLICY, 'cache-control': 'no-cache' },
        bytes: page(shown),
      };
    },
  );
}
