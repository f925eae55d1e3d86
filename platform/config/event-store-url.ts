// Reading EVENTSTORE_URL: `esdb://user:password@host:2113,host:2113?option=value&…`, or esdb+discover:// with one name that
// DNS knows a cluster by. EventStoreDB's client is never given the text: for an option that it does not know it prints the
// whole of it, password included. What is refused here is told without quoting more than an option's name.

import { z } from 'zod';
import { nearestName } from '../nearest-name.ts';

const text = z.string().min(1, 'must not be empty').exactOptional();
const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((value) => value === 'true')
  .exactOptional();
const whole = (least: number) => {
  const must = `must be a whole number, at least ${least}`;
  return z
    .string()
    .regex(/^-?\d{1,9}$/, must)
    .transform(Number)
    .refine((value) => value >= least, must)
    .exactOptional();
};
/** Of an option that changes nothing here: borne at most with the value that says what holds anyway. */
const noEffect = (reason: string) => `has no effect: ${reason}`;

/** The client's options by its own names (its parseConnectionString.ts, 6.2); those that change nothing here are refused. */
const optionsSchema = z.strictObject({
  tls: flag,
  tlsCAFile: text,
  userCertFile: text,
  userKeyFile: text,
  connectionName: text,
  /** Milliseconds; -1 turns it off. */
  keepAliveInterval: whole(-1),
  /** Milliseconds. */
  keepAliveTimeout: whole(1),
  maxDiscoverAttempts: whole(1),
  /** Milliseconds. */
  discoveryInterval: whole(1),
  /** Seconds. */
  gossipTimeout: whole(1),
  tlsVerifyCert: z
    .literal(
      'true',
      noEffect("certificates are always verified; name the authority's with tlsCAFile, or turn TLS off with tls=false"),
    )
    .exactOptional(),
  nodePreference: z.literal('leader', noEffect('Defter reads and writes at the leader')).exactOptional(),
  throwOnAppendFailure: z
    .literal('true', noEffect('Defter makes its appends itself'))
    .transform(() => true)
    .exactOptional(),
  defaultDeadline: z.never(noEffect('Defter has deadlines of its own')).exactOptional(),
});

export interface EventStoreAddress {
  /** Whether the one host is a name that all nodes of a cluster answer to. */
  readonly discover: boolean;
  /** One server, or several of a cluster. */
  readonly hosts: readonly { readonly address: string; readonly port: number }[];
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly options: Readonly<z.infer<typeof optionsSchema>>;
}

/** `faults` complete a sentence that begins with "EVENTSTORE_URL". */
export type EventStoreUrl =
  | { readonly ok: true; readonly address: EventStoreAddress }
  | { readonly ok: false; readonly faults: readonly string[] };

/** Pure: files that it names are not looked for. */
export function parseEventStoreUrl(url: string): EventStoreUrl {
  const [, scheme, rest] = /^([^:/]+):\/\/(.*)$/s.exec(url.trim()) ?? [];
  if (rest === undefined || (scheme !== 'esdb' && scheme !== 'esdb+discover'))
    return { ok: false, faults: [schemeFault(scheme)] };
  const [authority = '', query = '', ...more] = rest.split('?');
  if (more.length > 0 || query.includes('@'))
    return { ok: false, faults: ['must have : / ? # @ & and % of its password and options percent-encoded'] };
  const at = authority.lastIndexOf('@');
  const discover = scheme === 'esdb+discover';
  const hosts = readHosts(authority.slice(at + 1).replace(/\/+$/, ''));
  const credentials = at < 0 ? undefined : readCredentials(authority.slice(0, at));
  const { options, faults } = readOptions(query);
  if (!hosts) faults.push('must name its servers as host:2113, several with commas between');
  else if (discover && hosts.length > 1)
    faults.push('must name one host behind esdb+discover://, or several behind esdb://');
  if (at >= 0 && !credentials) faults.push('must have user:password before its @, percent-encoded');
  if (!hosts || !options || faults.length > 0) return { ok: false, faults };
  return { ok: true, address: { discover, hosts, credentials, options } };
}

/** For messages and logs: where, and not as whom. */
export const printServers = ({ discover, hosts }: EventStoreAddress): string =>
  `esdb${discover ? '+discover' : ''}://${hosts.map(({ address, port }) => `${address}:${port}`).join(',')}`;

const schemeFault = (scheme = '') =>
  /^kurrent(?:db)?(?:\+discover)?$/.test(scheme)
    ? `must begin with esdb:// in place of ${scheme}://: the same servers answer to it`
    : 'must begin with esdb:// or esdb+discover://';

function readHosts(list: string): EventStoreAddress['hosts'] | undefined {
  const hosts = list.split(',').map((one) => {
    const [, address = '', port = '2113'] =
      /^([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?$/.exec(one.trim()) ?? [];
    return { address, port: Number(port) };
  });
  return hosts.every(({ address, port }) => address && port > 0 && port < 65_536) ? hosts : undefined;
}

function readCredentials(userInfo: string): EventStoreAddress['credentials'] {
  const [username, password] = userInfo.split(/:(.*)/s).map(decode);
  return username && password ? { username, password } : undefined;
}

/** undefined for a % that begins no byte. */
function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** Letters alone tell the client's option names apart. */
const flat = (name: string) => name.toLowerCase().replaceAll(/[ _-]/g, '');
const names = new Map(Object.keys(optionsSchema.shape).map((name) => [flat(name), name]));

function readOptions(query: string): { options?: EventStoreAddress['options']; faults: string[] } {
  const given = query.split('&').flatMap((pair) => {
    const [name = '', value = ''] = pair.split(/=(.*)/s).map(decode);
    return pair === '' ? [] : [[names.get(flat(name)) ?? name, value.trim()] as const];
  });
  const seen = given.map(([name]) => name);
  const twice = new Set(seen.filter((name, at) => Object.hasOwn(optionsSchema.shape, name) && seen.indexOf(name) < at));
  if (twice.size > 0) return { faults: [...twice].map((name) => `names the option ${name} more than once`) };
  const { data, error } = optionsSchema.safeParse(Object.fromEntries(given));
  if (!error) {
    const halfPair = (data.userCertFile === undefined) !== (data.userKeyFile === undefined);
    return { options: data, faults: halfPair ? ['must name userCertFile and userKeyFile together'] : [] };
  }
  return {
    faults: error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map(unknownOption)
        : [`names the option ${issue.path.join('.')}, which ${issue.message}`],
    ),
  };
}

/** What is no name may be a piece of a password. */
function unknownOption(name: string): string {
  if (!/^[A-Za-z][A-Za-z_-]{0,39}$/.test(name)) return 'names an option that there is not';
  const meant = nearestName(name, names.values());
  return `names the option ${name}, which there is not${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
}
