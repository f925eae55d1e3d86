// Checks what a model's definition says of its upstream.

import { isIP } from 'node:net';
import { isPrivateAddress } from '../net/private-network.ts';
import { bareHost } from '../net/upstream-fault.ts';
import { ModelLoadError, type ModelSpec } from './model-runtime.ts';

export interface UpstreamSpec {
  /** Of `/chat/completions`. */
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly upstreamModel: string;
  /** Whether the upstream may be on this machine or inside its network. */
  readonly allowPrivateNetwork: boolean;
}

/** Throws `ModelLoadError` naming the member at fault. */
export function parseUpstreamSpec(spec: ModelSpec): UpstreamSpec {
  const { upstreamModel, headers = {} } = spec.options;
  if (typeof upstreamModel !== 'string' || upstreamModel === '') {
    throw new ModelLoadError('options.upstreamModel must name the model at the upstream');
  }
  if (!isHeaders(headers)) throw new ModelLoadError('options.headers must map names to strings without line breaks');
  const allowPrivateNetwork = spec.options['allowPrivateNetwork'] === true;
  const url = upstreamUrl(spec.source, 'chat/completions');
  // A name is checked when it is resolved, an address here.
  const host = bareHost(new URL(url).hostname);
  if (!allowPrivateNetwork && isIP(host) !== 0 && isPrivateAddress(host))
    throw new ModelLoadError(`its upstream ${host} is not a public address`);
  return {
    allowPrivateNetwork,
    url,
    headers: { ...upstreamHeaders(spec.secret), ...headers, 'content-type': 'application/json' },
    upstreamModel,
  };
}

/** The URL of a path under a base URL such as `https://host/v1`. Throws `ModelLoadError`. */
export function upstreamUrl(baseUrl: string, path: string): string {
  const url = URL.parse(baseUrl);
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new ModelLoadError('the source must be an http or https URL, such as https://host/v1');
  }
  if (url.username || url.password) throw new ModelLoadError('the source must not hold a user name or password');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  url.hash = '';
  return url.href;
}

/** Throws `ModelLoadError` when the credential cannot be sent in a header. */
export function upstreamHeaders(secret: string | undefined): Record<string, string> {
  const headers = { accept: 'application/json, text/event-stream', 'user-agent': 'defter' };
  if (secret === undefined) return headers;
  if (!isHeaders({ secret })) throw new ModelLoadError('the credential holds characters that no header can carry');
  return { ...headers, authorization: `Bearer ${secret}` };
}

function isHeaders(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(
    ([name, said]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && typeof said === 'string' && /^[\t\x20-\x7e]*$/.test(said),
  );
}
