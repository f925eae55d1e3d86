import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isLoopbackName, isPrivateAddress } from './private-network.ts';
import { finalError } from '../errors.ts';

/** The name leads inside the network, where this caller may not go. */
export class PrivateAddressRefused extends finalError('private-address-refused') {}

type Found = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/**
 * `lookup` for a socket that must stay outside: what a name resolves to is checked at the very moment of connecting, so
 * a name that changes its address after it was registered gains nothing. One inside address refuses the whole name.
 */
export function publicLookup(hostname: string, options: LookupOptions, callback: Found): void {
  const refused = () => new PrivateAddressRefused(`${hostname} is not a public address`);
  if (isLoopbackName(hostname)) return callback(refused(), []);
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    if (addresses.some(({ address }) => isPrivateAddress(address))) return callback(refused(), []);
    const [first] = addresses;
    if (options.all === true || !first) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
}
