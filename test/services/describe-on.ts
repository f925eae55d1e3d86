// Suites that need a server. Without its variable a suite is skipped aloud, saying what to set; where REQUIRE_SERVICES
// names the server, the skip is a failure.

import { SERVICE_VARIABLES, type ServiceName } from './service.ts';

const required = new Set((process.env['REQUIRE_SERVICES'] ?? '').split(',').filter((name) => name !== ''));

/** `tests` gets the variables of the servers, each set. */
export function describeOn(services: readonly ServiceName[], title: string, tests: (env: Environment) => void): void {
  const missing = services.filter((name) => !process.env[SERVICE_VARIABLES[name]]);
  if (missing.length === 0) {
    describe(title, () => tests(serviceEnvironment(services)));
    return;
  }
  const names = missing.map((name) => SERVICE_VARIABLES[name]).join(', ');
  const ask = `set ${names}, or run it by \`npm run services -- npm test\``;
  describe(title, () => {
    if (missing.some((name) => required.has(name))) {
      it('has its servers', () => {
        throw new Error(`REQUIRE_SERVICES names ${missing.join(', ')}: ${ask}`);
      });
    } else {
      it.skip(`needs ${missing.join(', ')}: ${ask}`);
    }
  });
}

export type Environment = Readonly<Record<string, string>>;

const PREFIXES: Readonly<Record<ServiceName, string>> = {
  eventstore: 'EVENTSTORE_',
  kafka: 'KAFKA_',
  'schema-registry': 'SCHEMA_REGISTRY_',
  redis: 'REDIS_',
  elasticsearch: 'ELASTICSEARCH_',
  s3: 'S3_',
  chroma: 'CHROMA_',
};

/** All variables of these servers that are set, their credentials included. */
export function serviceEnvironment(services: readonly ServiceName[]): Environment {
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && services.some((name) => entry[0].startsWith(PREFIXES[name])),
  );
  return Object.fromEntries(entries);
}
