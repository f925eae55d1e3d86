// Reading SMTP_URL: `smtps://user:password@host:465` speaks TLS at once, `smtp://user:password@host:587` turns it on by
// STARTTLS and sends nothing without it, `smtp://host:25?tls=off` does without.

export interface SmtpAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: 'at-once' | 'starttls' | 'off';
  readonly user?: string;
  readonly password?: string;
}

/** As RFC 8314 has them. */
const PORTS = { 'smtp:': 587, 'smtps:': 465 } as const;

const isScheme = (protocol: string): protocol is keyof typeof PORTS => Object.hasOwn(PORTS, protocol);

/** undefined for what is not read so; the text, which may hold a password, is in no error. */
export function parseSmtpUrl(text: string): SmtpAddress | undefined {
  const url = URL.parse(text);
  const host = url?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
  if (
    !url ||
    !/^[A-Za-z0-9._:-]+$/.test(host) ||
    !isScheme(url.protocol) ||
    url.hash ||
    !['', '/'].includes(url.pathname)
  )
    return undefined;
  const { protocol, searchParams } = url;
  const isOff = searchParams.get('tls') === 'off';
  if (searchParams.size > (isOff ? 1 : 0) || (isOff && protocol === 'smtps:')) return undefined;
  const [user, password] = [decode(url.username), decode(url.password)];
  if (user === undefined || password === undefined || (user === '') !== (password === '')) return undefined;
  return {
    host,
    port: url.port === '' ? PORTS[protocol] : Number(url.port),
    tls: protocol === 'smtps:' ? 'at-once' : isOff ? 'off' : 'starttls',
    ...(user !== '' && { user, password }),
  };
}

/** For messages and logs: where, and not as whom. */
export const printSmtpAddress = ({ host, port, tls }: SmtpAddress): string =>
  `${tls === 'at-once' ? 'smtps' : 'smtp'}://${host.includes(':') ? `[${host}]` : host}:${port}${tls === 'off' ? '?tls=off' : ''}`;

/** undefined for a % that begins no byte. */
function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
