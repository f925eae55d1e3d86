// A small client of the HTTP border for tests: JSON in, status, headers and parsed body out.

export interface ApiAnswer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export type Api = <Body = Record<string, unknown>>(
  method: string,
  path: string,
  options?: CallOptions,
) => Promise<ApiAnswer<Body>>;

/** `body` is sent as JSON unless it is a string, which is sent as it is. */
export function createApi(url: string, key: string | undefined): Api {
  return async <Body>(method: string, path: string, { body, headers, signal }: CallOptions = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    // A stream that goes on is left: that it was begun is the answer.
    if (response.headers.get('content-type')?.startsWith('text/event-stream'))
      return response.body!.cancel().then(() => ({ ...statusOf(response), body: undefined as Body }));
    const text = await response.text();
    // Lines of JSON are no JSON.
    if (response.headers.get('content-type')?.startsWith('application/x-ndjson'))
      return { ...statusOf(response), body: text as Body };
    return { ...statusOf(response), body: (text ? JSON.parse(text) : undefined) as Body };
  };
}

const statusOf = ({ status, headers }: Response) => ({ status, headers });
