// The one table of settings: reading them, printing them masked and .env.example all come from it.

import {
  addresses,
  busMode,
  bytes,
  duration,
  emailAddress,
  eventStoreUrl,
  folderOrOff,
  httpUrl,
  key32,
  mailbox,
  namespace,
  onOff,
  oneOf,
  proxies,
  serverUrl,
  smtpUrl,
  text,
  textOfAtLeast,
  wholeNumber,
  type SettingKind,
} from './setting-kinds.ts';

export interface Setting<T> {
  /** The environment variable. */
  readonly name: string;
  readonly kind: SettingKind<T>;
  /** What the setting does, for .env.example; a line per element. */
  readonly about: readonly string[];
  /** In the setting's own notation; without it the setting is optional and its value undefined. */
  readonly fallback?: string;
  readonly secret?: true;
  /** For Defter's own tests; not in .env.example. */
  readonly hidden?: true;
}

type Hidden = Pick<Setting<unknown>, 'hidden'>;

function required<T>(name: string, kind: SettingKind<T>, fallback: string, about: string[], hidden?: Hidden) {
  return { name, kind, fallback, about, ...hidden } satisfies Setting<T>;
}

function optional<T>(name: string, kind: SettingKind<T>, about: string[]) {
  return { name, kind, about } as Setting<T> & { readonly fallback?: never };
}

const secret = <T>(name: string, kind: SettingKind<T>, about: string[]) =>
  ({ ...optional(name, kind, about), secret: true }) as const;

const day = 86_400_000;
const perMinute = wholeNumber(1, 1_000_000);

export const settings = {
  port: required('PORT', wholeNumber(0, 65_535), '8080', ['The port to listen on; 0 takes any free one.']),
  host: required('HOST', text, '127.0.0.1', [
    'The address to listen on. The default is reached from this machine only, because Defter speaks plain HTTP:',
    'in a container, or behind a proxy that speaks HTTPS, set 0.0.0.0 (or :: for IPv6 as well).',
  ]),
  opsPort: optional('OPS_PORT', wholeNumber(0, 65_535), [
    'The port of /healthz, /readyz and /metrics, from the first moment on. Without it a service started alone takes 9090,',
    'and everything in one process answers them on PORT once it is ready.',
  ]),
  trustProxy: optional('TRUST_PROXY', proxies, [
    'Whose X-Forwarded-For is believed: addresses or networks of proxies, with commas between, or loopback. Without it the',
    'address of a client is that of the connection, which behind a proxy is the proxy.',
  ]),
  rateLimitPerAddress: optional('RATE_LIMIT_PER_ADDRESS', perMinute, [
    'Requests a minute from one address (of IPv6 from one network of 64 bits), whoever sends them; without it any number.',
  ]),
  loginLimitPerAddress: required('LOGIN_LIMIT_PER_ADDRESS', perMinute, '60', [
    'Requests a minute from one address to the routes of signing in, where passwords and tokens could be guessed.',
  ]),
  rateLimitPerKey: optional('RATE_LIMIT_PER_KEY', perMinute, [
    'Requests a minute with one API key, or of one person; a key may be given a limit of its own. Without it any number.',
  ]),
  rateLimitPerTenant: optional('RATE_LIMIT_PER_TENANT', perMinute, [
    'Requests a minute of all keys and people of one tenant; a tenant may be given a limit of its own. Without it any number.',
  ]),
  maxStreamsPerCaller: required('MAX_STREAMS_PER_CALLER', wholeNumber(1, 10_000), '200', [
    'Streams and waiting requests that one API key, or person, may have open at once, on each process that answers requests.',
  ]),
  maxStreamsPerTenant: required('MAX_STREAMS_PER_TENANT', wholeNumber(1, 10_000), '1000', [
    'The same of all keys and people of one tenant.',
  ]),
  dataDir: required('DATA_DIR', text, './data', [
    'The folder that holds everything Defter keeps; made when it is missing.',
  ]),
  apiKey: secret('API_KEY', textOfAtLeast(32), [
    'The first API key, instead of one made at the first start: at least 32 characters.',
  ]),
  adminEmail: required('ADMIN_EMAIL', emailAddress, 'admin@localhost', [
    'Who administers the platform after the first start, by the e-mail address to sign in with.',
  ]),
  adminPassword: secret('ADMIN_PASSWORD', textOfAtLeast(12), [
    'Their password, at least 12 characters. Without it one is made, which must be changed: it is shown once on a terminal,',
    'else it is in DATA_DIR/first-admin until the first sign-in. Later starts take no notice; node main.ts admin resets it.',
  ]),
  masterKey: secret('MASTER_KEY', key32, [
    'Wraps the keys that encrypt what people send: 32 bytes in base64 or hexadecimal (openssl rand -base64 32).',
    'Without it a key is made at the first start and kept in DATA_DIR.',
  ]),
  tokenKey: required('TOKEN_KEY', wholeNumber(0, 1_000_000), '1', [
    'The number of the key that access tokens are signed with. Raised, and everything started anew, it voids all access',
    'tokens at once; sessions go on.',
  ]),
  logLevel: required('LOG_LEVEL', oneOf('debug', 'info', 'warn', 'error'), 'info', ['The least level that is logged.']),
  logDir: optional('LOG_DIR', folderOrOff, [
    'The folder of application.log and access.log; off writes no log files. Without it they are in DATA_DIR/logs, and a',
    'service started alone writes none.',
  ]),
  logMaxBytes: required('LOG_MAX_BYTES', bytes(4096), '10MiB', ['A log file that has reached this size is rotated.']),
  logFiles: required('LOG_FILES', wholeNumber(1, 1000), '10', ['How many rotated files are kept of each log.']),
  logMaxAge: required('LOG_MAX_AGE', duration(60_000, 3650 * day), '30d', [
    'Rotated log files older than this are deleted.',
  ]),
  metricsToken: secret('METRICS_TOKEN', textOfAtLeast(16), [
    'Who sends it as a bearer token may read /metrics (at least 16 characters); without it only this machine may.',
  ]),
  discover: required('DISCOVER', onOff, 'on', [
    'Whether to look at start for models to register: OpenAI (with OPENAI_API_KEY) and a running Ollama.',
  ]),
  openaiApiKey: secret('OPENAI_API_KEY', text, [
    'The key for OPENAI_UPSTREAM_URL; its models are registered at start.',
  ]),
  openaiUpstreamUrl: required('OPENAI_UPSTREAM_URL', httpUrl, 'https://api.openai.com/v1', [
    'Base URL of the OpenAI-compatible API that OPENAI_API_KEY is for.',
  ]),
  ollamaUrl: required('OLLAMA_URL', httpUrl, 'http://127.0.0.1:11434/v1', ['Where to look for Ollama.']),
  allowPrivateUpstreams: required('ALLOW_PRIVATE_UPSTREAMS', onOff, 'off', [
    'Whether tenants may register upstream URLs that resolve to loopback, link-local or private addresses.',
    "The installation's own models may in any case.",
  ]),
  modelMemoryBytes: required('MODEL_MEMORY_BYTES', bytes(2 ** 20), '1GiB', [
    'Memory for loaded models; the least recently used are unloaded to stay within it.',
  ]),
  inferenceTimeoutMs: required('INFERENCE_TIMEOUT', duration(100, day), '2m', [
    'How long one inference may take, from its acceptance to its result.',
  ]),
  partitions: required('PARTITIONS', wholeNumber(1, 1024), '12', [
    'Partitions of each topic. Fixed by the first start; change it only with an empty DATA_DIR.',
  ]),
  maxOutstanding: required('MAX_OUTSTANDING', wholeNumber(1, 10_000_000), '10000', [
    'Inferences that may be accepted and not yet ended, in all; a quarter of them for one model, or more where it works them off',
    'in 30 seconds. One tenant alone may have them all, and twice as many if they are worked off in 30 seconds; once others',
    'wait, and half are taken, each has an equal share, and beyond it is answered 429. Who is below its share is let in up to as',
    'many again; then all are answered 503.',
  ]),
  shutdownGraceMs: required('SHUTDOWN_GRACE', duration(100, 600_000), '10s', [
    'How long a stop may take before what still runs is cut off.',
  ]),
  namespace: required('NAMESPACE', namespace, 'defter', [
    'Goes before the names of topics, indices and keys on servers that several installations share.',
  ]),
  eventStoreUrl: secret('EVENTSTORE_URL', eventStoreUrl, [
    'EventStoreDB for the log, such as esdb://127.0.0.1:2113?tls=false, or all nodes of a cluster, such as',
    'esdb://user:password@a:2113,b:2113,c:2113?tls=true; without it the log is in DATA_DIR.',
  ]),
  kafkaBrokers: optional('KAFKA_BROKERS', addresses, [
    'Kafka for the bus, host:port with commas between; without it the bus is in the process. Needs SCHEMA_REGISTRY_URL.',
  ]),
  kafkaTls: required('KAFKA_TLS', onOff, 'off', ['Whether Kafka is spoken to over TLS.']),
  kafkaUsername: optional('KAFKA_USERNAME', text, ['For Kafka by SASL (SCRAM-SHA-512).']),
  kafkaPassword: secret('KAFKA_PASSWORD', text, ['The password that goes with it.']),
  kafkaReplication: required('KAFKA_REPLICATION', wholeNumber(1, 7), '1', [
    'How many brokers keep each topic that migrate makes; 3 where there are three.',
  ]),
  schemaRegistryUrl: secret('SCHEMA_REGISTRY_URL', serverUrl('http', 'https'), ['The Avro schema registry.']),
  redisUrl: secret('REDIS_URL', serverUrl('redis', 'rediss'), [
    'Redis for the read models kept by key, the cache and what is said live; it must keep an append-only file.',
  ]),
  elasticsearchUrl: secret('ELASTICSEARCH_URL', serverUrl('http', 'https'), [
    'Elasticsearch for what is found by its fields and words.',
  ]),
  elasticsearchApiKey: secret('ELASTICSEARCH_API_KEY', text, ['An API key for Elasticsearch.']),
  s3Endpoint: optional('S3_ENDPOINT', httpUrl, ['An S3 store for large payloads and for the vault.']),
  s3Region: required('S3_REGION', text, 'us-east-1', ['Its region.']),
  s3AccessKeyId: optional('S3_ACCESS_KEY_ID', text, ['Its access key.']),
  s3SecretAccessKey: secret('S3_SECRET_ACCESS_KEY', text, ['The secret that goes with it.']),
  s3Bucket: optional('S3_BUCKET', text, ['The bucket of large payloads; default <NAMESPACE>-blobs.']),
  s3VaultBucket: optional('S3_VAULT_BUCKET', text, [
    'The bucket of the vault, which must not keep versions; default <NAMESPACE>-vault. Back it up apart.',
  ]),
  publicUrl: optional('PUBLIC_URL', httpUrl, [
    'Where people reach this installation, such as https://defter.example.com: links in mails begin with it. Without it',
    'they begin with http, HOST and PORT, which lead no further than this machine.',
  ]),
  smtpUrl: secret('SMTP_URL', smtpUrl, [
    'The mail server: smtps://user:password@host:465 (TLS), smtp://user:password@host:587 (STARTTLS, or nothing is sent),',
    'smtp://host:25?tls=off (no TLS). Without it mails are files in DATA_DIR/outbox, for 30 minutes.',
  ]),
  mailFrom: optional('MAIL_FROM', mailbox, [
    'Whom mails are from: an address that the mail server of SMTP_URL sends for, or a name with it: Defter <defter@example.com>.',
  ]),
  checkAnswers: required('CHECK_ANSWERS', onOff, 'off', ['Whether each answer is held against its contract.'], {
    hidden: true,
  }),
  busMode: required('BUS_MODE', busMode, 'normal', ['How the embedded bus delivers.'], { hidden: true }),
};

/** The table without the single types, each setting with its key in a Config. */
export const settingsByKey = Object.entries(settings) as unknown as readonly (readonly [string, Setting<unknown>])[];
