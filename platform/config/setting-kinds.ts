// What a setting's text may look like, how it is read, and how its value is written again.

import proxyaddr from 'proxy-addr';
import { type EventStoreAddress, parseEventStoreUrl, printServers } from './event-store-url.ts';
import { parseSmtpUrl, printSmtpAddress, type SmtpAddress } from './mail-server-url.ts';

export interface SettingKind<T> {
  /** undefined: the text is refused. */
  parse(text: string): T | undefined;
  /** Left out where `String` does it. */
  readonly print?: (value: T) => string;
  /** Completes "PORT must be …". */
  readonly must: string;
  /** In place of `must`, of a text that was refused: each completes a sentence that begins with "PORT", without secrets. */
  readonly faults?: (text: string) => readonly string[];
}

export const text: SettingKind<string> = {
  parse: (text) => text,
  must: 'a text',
};

export function textOfAtLeast(characters: number): SettingKind<string> {
  return {
    parse: (text) => (text.length >= characters ? text : undefined),
    must: `a text of at least ${characters} characters`,
  };
}

/** As far as one can tell without sending to it. */
export const emailAddress: SettingKind<string> = {
  parse: (text) => (text.length <= 254 && /^[^\s@]+@[^\s@]+$/.test(text) ? text : undefined),
  must: 'an e-mail address',
};

export function wholeNumber(from: number, to: number): SettingKind<number> {
  return {
    parse(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      return value >= from && value <= to ? value : undefined;
    },
    must: `a whole number from ${from} to ${to}`,
  };
}

export function oneOf<const Choice extends string>(...choices: readonly Choice[]): SettingKind<Choice> {
  return {
    parse: (text) => choices.find((choice) => choice === text),
    must: `one of ${choices.join(', ')}`,
  };
}

export const onOff: SettingKind<boolean> = {
  parse: (text) =>
    new Map([
      ['on', true],
      ['off', false],
    ]).get(text.toLowerCase()),
  print: (value) => (value ? 'on' : 'off'),
  must: 'on or off',
};

const byteUnits = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, GB: 1e9, MB: 1e6, kB: 1e3, B: 1 };

/** Bytes, as `512MiB`, `1GiB`, `2GB` or a bare number. */
export function bytes(atLeast: number): SettingKind<number> {
  const print = (value: number) => printUnits(value, byteUnits);
  return {
    parse(text) {
      const [, amount, unit = 'B'] = /^(\d{1,12}(?:\.\d{1,3})?) ?(GiB|MiB|KiB|GB|MB|kB|B)?$/.exec(text) ?? [];
      if (amount === undefined) return undefined;
      const value = Math.round(Number(amount) * byteUnits[unit as keyof typeof byteUnits]);
      return value >= atLeast && Number.isSafeInteger(value) ? value : undefined;
    },
    print,
    must: `a size such as 512MiB or 1GiB, at least ${print(atLeast)}`,
  };
}

const timeUnits = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Milliseconds, from `250ms`, `10s`, `5m`, `1h` or `30d`; the unit is required. */
export function duration(atLeastMs: number, atMostMs: number): SettingKind<number> {
  const print = (value: number) => printUnits(value, timeUnits);
  return {
    parse(text) {
      const [, amount, unit] = /^(\d{1,12}(?:\.\d{1,3})?) ?(ms|s|m|h|d)$/.exec(text) ?? [];
      if (amount === undefined) return undefined;
      const value = Math.round(Number(amount) * timeUnits[unit as keyof typeof timeUnits]);
      return value >= atLeastMs && value <= atMostMs ? value : undefined;
    },
    print,
    must: `a time such as 10s, 5m or 1h, from ${print(atLeastMs)} to ${print(atMostMs)}`,
  };
}

/** The largest unit that gives a whole number; `units` from large to small. */
function printUnits(value: number, units: Readonly<Record<string, number>>): string {
  const [name, size] = Object.entries(units).find(([, size]) => value >= size && value % size === 0) ?? ['', 1];
  return `${value / size}${name}`;
}

/** An http(s) URL, without a slash at its end. One with a password in it is refused: it would be printed and logged. */
export const httpUrl: SettingKind<string> = {
  parse(text) {
    const url = URL.parse(text);
    if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
      return undefined;
    return url.href.replace(/\/+$/, '');
  },
  must: 'an http or https URL without user name, password, query or fragment',
};

/** 32 bytes as 64 hexadecimal digits or in base64 (either alphabet). */
export const key32: SettingKind<Uint8Array> = {
  parse(text) {
    if (/^[0-9a-f]{64}$/i.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
    if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
    return Uint8Array.from(Buffer.from(text, 'base64'));
  },
  print: (value) => Buffer.from(value).toString('base64'),
  must: '32 bytes as 64 hexadecimal digits or in base64',
};

/** A folder, or null for `off`. */
export const folderOrOff: SettingKind<string | null> = {
  parse: (text) => (text.toLowerCase() === 'off' ? null : text),
  print: (value) => value ?? 'off',
  must: 'a folder or off',
};

export type BusMode = { readonly kind: 'normal' } | { readonly kind: 'adversarial'; readonly seed: number };

export const busMode: SettingKind<BusMode> = {
  parse(text) {
    if (text === 'normal') return { kind: 'normal' };
    const seed = /^adversarial:(\d{1,9})$/.exec(text)?.[1];
    return seed === undefined ? undefined : { kind: 'adversarial', seed: Number(seed) };
  },
  print: (value) => (value.kind === 'normal' ? 'normal' : `adversarial:${value.seed}`),
  must: 'normal or adversarial:<seed>',
};

/** The URL of a server, credentials included: a setting of this kind is secret. Without a slash at its end. */
export function serverUrl(...schemes: readonly string[]): SettingKind<string> {
  return {
    parse(text) {
      const url = URL.parse(text);
      if (!url?.host || !schemes.includes(url.protocol.slice(0, -1))) return undefined;
      return text.replace(/\/+$/, '');
    },
    must: `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  };
}

export const eventStoreUrl: SettingKind<EventStoreAddress> = {
  parse(text) {
    const url = parseEventStoreUrl(text);
    return url.ok ? url.address : undefined;
  },
  faults(text) {
    const url = parseEventStoreUrl(text);
    return url.ok ? [] : url.faults;
  },
  print: printServers,
  must: 'a connection string of EventStoreDB',
};

export const smtpUrl: SettingKind<SmtpAddress> = {
  parse: parseSmtpUrl,
  print: printSmtpAddress,
  must: 'smtp:// or smtps:// with [user:password@]host[:port], percent-encoded; smtp:// may end with ?tls=off',
};

/** `address`, or `name <address>`. */
export const mailbox: SettingKind<{ readonly name: string; readonly address: string }> = {
  parse(text) {
    const [, quoted, plain = '', address] = /^(?:"([^"\\<>\p{Cc}]*)"|([^"\\<>\p{Cc}]*?)) *<([^<>]+)>$/u.exec(text) ?? [
      undefined,
      undefined,
      '',
      text,
    ];
    return /^[^\s<>"',;:@]+@[^\s<>"',;:@]+$/.test(address ?? '')
      ? { name: quoted ?? plain, address: address ?? '' }
      : undefined;
  },
  print: ({ name, address }) => (name === '' ? address : `${name} <${address}>`),
  must: 'an e-mail address, or a name with the address behind it: Defter <defter@example.com>',
};

/** `host:port`, several with commas between. */
export const addresses: SettingKind<readonly string[]> = {
  parse(text) {
    const all = text.split(',').map((one) => one.trim());
    return all.every((one) => /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(one)) ? all : undefined;
  },
  print: (value) => value.join(','),
  must: 'host:port, or several with commas between',
};

/** What may be part of the name of a topic, an index, a key and a bucket. */
export const namespace: SettingKind<string> = {
  parse: (text) => (/^[a-z][a-z0-9-]{0,30}$/.test(text) ? text : undefined),
  must: 'at most 31 lower-case letters, digits and dashes, a letter first',
};

/** Addresses and networks of proxies, several with commas between; `loopback` is this machine. */
export const proxies: SettingKind<readonly string[]> = {
  parse(text) {
    const all = text.split(',').map((one) => one.trim());
    return all.every(isProxies) ? all : undefined;
  },
  print: (value) => value.join(','),
  must: 'addresses or networks such as loopback, 10.0.0.7 or 10.0.0.0/8, with commas between',
};

function isProxies(text: string): boolean {
  try {
    proxyaddr.compile(text);
    return true;
  } catch {
    return false;
  }
}
