// From method and URL to a route. find-my-way does the search; what it has no notion of is added here: a path parameter
// that may contain `/` (raw or percent-encoded), followed or not by a fixed ending such as `/defaults`.

import findMyWay, { type HTTPMethod } from 'find-my-way';
import type { BoundRoute, Route } from './route.ts';

export interface Match {
  readonly bound: BoundRoute;
  readonly params: Readonly<Record<string, string | undefined>>;
  /** Raw, without the question mark. */
  readonly queryString: string;
}

export interface Router {
  /** HEAD finds what GET finds. */
  match(method: string, url: string): Match | 'malformed' | undefined;
  /** The methods that the URL has, for `Allow`. */
  allowed(url: string): string[];
}

/** Routes that share a method and what stands before a parameter with slashes. */
interface Alternatives {
  readonly prefix: string;
  /** By ending; one may be empty. */
  readonly endings: Map<string, BoundRoute>;
  /** The endings of all methods, the longest first: a path that has one is of that kind, whatever the method. */
  readonly known: string[];
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export function createRouter(routes: readonly BoundRoute[]): Router {
  const malformed = () => undefined;
  const router = findMyWay({
    ignoreTrailingSlash: true,
    maxParamLength: 2048,
    onBadUrl: malformed,
    querystringParser: (text: string) => text as never,
  });
  const withSlashes = new Map<string, Alternatives>();
  const endingsOf = new Map<string, string[]>();
  for (const bound of routes) {
    const { route } = bound;
    if (route.slashes === undefined) {
      router.on(route.method, patternOf(route.path), () => undefined, bound);
      continue;
    }
    const { prefix, ending } = splitAround(route);
    const known = endingsOf.get(prefix) ?? [];
    endingsOf.set(prefix, known);
    if (!known.includes(ending)) known.push(ending);
    known.sort((a, b) => b.length - a.length);
    const there = withSlashes.get(`${route.method} ${prefix}`);
    const alternatives = there ?? { prefix, endings: new Map(), known };
    alternatives.endings.set(ending, bound);
    if (there === undefined) {
      withSlashes.set(`${route.method} ${prefix}`, alternatives);
      router.on(route.method, `${prefix}*`, () => undefined, alternatives);
    }
  }

  const match: Router['match'] = (method, url) => {
    const found = router.find((method === 'HEAD' ? 'GET' : method) as HTTPMethod, url);
    if (found === null) return undefined;
    const queryString = found.searchParams as unknown as string;
    const store = found.store as BoundRoute | Alternatives | null;
    if (store === null) return 'malformed';
    if ('route' in store) return { bound: store, params: found.params, queryString };
    return matchEnding(store, url, queryString);
  };
  return { match, allowed: (url) => allowedMethods(match, url) };
}

const patternOf = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1');

function splitAround(route: Route): { prefix: string; ending: string } {
  const [prefix, ending, ...more] = route.path.split(`{${route.slashes}}`);
  if (prefix === undefined || ending === undefined || more.length > 0 || /[{}]/.test(prefix + ending)) {
    throw new Error(`${route.id}: ${route.path} must hold {${route.slashes}} once and no other parameter`);
  }
  return { prefix, ending };
}

/** Endings are sought in the raw path, so that a name may end like one when it is percent-encoded. */
function matchEnding(
  { prefix, endings, known }: Alternatives,
  url: string,
  queryString: string,
): Match | 'malformed' | undefined {
  const start = url.indexOf(prefix);
  if (start === -1) return undefined;
  const path = url
    .slice(start + prefix.length)
    .replace(/[?#].*$/s, '')
    .replace(/\/$/, '');
  const ending = known.find((one) => path.endsWith(one) && path.length > one.length);
  const bound = ending === undefined ? undefined : endings.get(ending);
  if (ending === undefined || bound === undefined) return undefined;
  try {
    const value = decodeURIComponent(path.slice(0, path.length - ending.length));
    return { bound, params: { [bound.route.slashes ?? '']: value }, queryString };
  } catch {
    return 'malformed';
  }
}

function allowedMethods(match: Router['match'], url: string): string[] {
  const found = METHODS.filter((method) => typeof match(method, url) === 'object');
  if (found.length === 0) return [];
  return [...(found.includes('GET') ? ['GET', 'HEAD'] : []), ...found.filter((method) => method !== 'GET'), 'OPTIONS'];
}
