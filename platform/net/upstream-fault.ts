import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isLoopbackName, isPrivateAddress } from './private-network.ts';

/** What the URL parser leaves around an IPv6 address. */
export const bareHost = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

/**
 * What is wrong with a URL that a tenant wants called, in words; undefined when nothing is. A name that does not resolve
 * now is let pass: it is looked at again at each connection.
 */
export async function upstreamFault(url: string, allowPrivate: boolean): Promise<string | undefined> {
  if (allowPrivate) return undefined;
  const host = bareHost(new URL(url).hostname);
  const inside = isLoopbackName(host) ? host : (await addressesOf(host)).find(isPrivateAddress);
  if (inside === undefined) return undefined;
  return `leads to ${inside}, which is not a public address; ALLOW_PRIVATE_UPSTREAMS=on allows it`;
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}
