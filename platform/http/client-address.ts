// From which address a request comes where proxies stand before this server. A proxy appends to `X-Forwarded-For` the
// address that it was called from; what stands before that anyone may have written. So the header is read from its end,
// as long as who wrote the part is trusted.

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyaddr from 'proxy-addr';
import type { Middleware } from './context.ts';

/** `ctx.ip` becomes the address that called the outermost of the trusted proxies (addresses, networks, `loopback`). */
export function clientAddress(trusted: readonly string[]): Middleware {
  const trusts = proxyaddr.compile([...trusted]);
  return (ctx, next) => {
    ctx.request.ip = addressOf(ctx.req, trusts);
    return next();
  };
}

function addressOf(req: IncomingMessage, trusts: (address: string, hop: number) => boolean): string {
  // Outwards, the first that is not trusted being the last; what a proxy wrote may be no address (`unknown`, a name).
  const hops = proxyaddr.all(req, trusts).map(readAddress);
  return hops.findLast((address) => address !== undefined) ?? '';
}

const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Without the port that some proxies add, and as IPv4 where it is that in IPv6's clothes. */
function readAddress(text: string | undefined): string | undefined {
  const [, v6, v4] = WITH_PORT.exec(text ?? '') ?? [];
  const address = v6 ?? v4 ?? text ?? '';
  const plain = MAPPED.exec(address)?.[1] ?? address;
  return isIP(plain) === 0 ? undefined : plain;
}
