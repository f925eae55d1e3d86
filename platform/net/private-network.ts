// Which addresses are inside: this machine, its link, its private networks, and what is reserved. An upstream that a
// tenant names must not be one of them, or the server could be made to call what only it can reach.
// Ranges: IANA special-purpose address registries (RFC 6890 and its updates).

import { BlockList, isIP } from 'node:net';

const inside = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  inside.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const)
  inside.addSubnet(network, prefix, 'ipv6');

/**
 * The one block of which global unicast addresses are given out (RFC 4291, section 2.4). Beyond it are loopback, links and
 * private networks, and the forms that hold an IPv4 address: compatible (`::127.0.0.1`), translated (RFC 2765, RFC 6052).
 */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
/** Of these the block list looks at the IPv4 address (`::ffff:127.0.0.1`). */
const mapped = new BlockList();
mapped.addSubnet('::ffff:0:0', 96, 'ipv6');

/** True also for what is no address at all. */
export function isPrivateAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return inside.check(address, 'ipv4');
    case 6:
      if (!globalUnicast.check(address, 'ipv6') && !mapped.check(address, 'ipv6')) return true;
      return inside.check(address, 'ipv6');
    default:
      return true;
  }
}

/** A name that means this machine whatever a resolver says of it (RFC 6761, section 6.3), also with the root's dot behind it. */
export const isLoopbackName = (host: string) => /^(.+\.)?localhost\.?$/i.test(host);
