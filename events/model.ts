import { type DataOf, defineAggregate, type EventFields, type EventOf } from './aggregate.ts';

const parameter = {
  type: 'record',
  name: 'ModelParameter',
  fields: [
    { name: 'name', type: 'string' },
    {
      name: 'type',
      type: { type: 'enum', name: 'ModelParameterType', symbols: ['number', 'integer', 'string', 'string_array'] },
    },
    { name: 'minimum', type: ['null', 'double'], default: null },
    { name: 'maximum', type: ['null', 'double'], default: null },
    { name: 'maxItems', type: ['null', 'int'], default: null },
    { name: 'maxLength', type: ['null', 'int'], default: null },
    { name: 'default', type: ['null', 'string'], doc: 'JSON text', default: null },
    { name: 'description', type: 'string', default: '' },
  ],
} as const;

const events = {
  ModelRegistered: [
    { name: 'name', type: 'string' },
    { name: 'description', type: 'string', default: '' },
    { name: 'task', type: { type: 'enum', name: 'ModelTask', symbols: ['classification', 'generation', 'chat'] } },
    { name: 'runtime', type: { type: 'enum', name: 'ModelRuntime', symbols: ['tensorflow', 'openai'] } },
    { name: 'source', type: 'string', doc: 'a folder of models/ (tensorflow) or a base URL (openai)' },
    { name: 'upstreamModel', type: ['null', 'string'], default: null },
    { name: 'credentialId', type: ['null', 'string'], default: null },
    { name: 'parameters', type: { type: 'array', items: parameter } },
    { name: 'anyParameter', type: 'boolean', doc: 'true: parameters not listed travel to the upstream as they are' },
    { name: 'maxInputChars', type: 'long' },
    { name: 'maxBatch', type: 'int' },
    { name: 'maxDelayMs', type: 'int' },
    { name: 'timeoutMs', type: 'int', doc: 'the longest one run may take' },
    { name: 'memoryBytes', type: 'long' },
  ],
  ModelDefaultsSet: [{ name: 'defaults', type: { type: 'map', values: 'string' }, doc: 'parameter name to JSON text' }],
  ModelGranted: [{ name: 'to', type: { type: 'array', items: 'string' }, doc: 'tenant ids, or * for all' }],
  ModelGrantWithdrawn: [
    { name: 'from', type: { type: 'array', items: 'string' }, doc: 'tenant ids, or * for the grant to all' },
  ],
  ModelRetired: [],
  ModelReinstated: [],
  ModelBecameUnhealthy: [
    { name: 'reason', type: 'string', doc: 'the code of the failure; nothing that an upstream said' },
  ],
  ModelRecovered: [],
} as const satisfies EventFields;

export type ModelDefinition = DataOf<typeof events, 'ModelRegistered'>;
export type ModelParameter = ModelDefinition['parameters'][number];

/** Parameter name to JSON text. */
export type ModelDefaults = Readonly<Record<string, string>>;

export interface Model {
  /** The tenant that it belongs to; `platform` for those of the installation. */
  readonly owner: string;
  /** The revision of its last registration: a running model with an older one is loaded anew. */
  readonly revision: number;
  readonly definition: ModelDefinition;
  /** Over the definition's own. */
  readonly defaults: ModelDefaults;
  /** Tenant ids, `*` for all. */
  readonly grantedTo: readonly string[];
  readonly createdAt: number;
  /** Since when its runs fail for reasons of its own, in milliseconds since the epoch; left out while it is well. */
  readonly unhealthySince?: number;
}

/** What a tenant has said of a name. */
export type ModelState =
  | { readonly status: 'absent' }
  /** It has defaults for the platform's model of the name, and none of its own. */
  | { readonly status: 'unregistered'; readonly owner: string; readonly overPlatform: ModelDefaults }
  | {
      readonly status: 'registered' | 'retired';
      readonly model: Model;
      /** Its defaults for the platform's model of the name: in force again once its own is retired. */
      readonly overPlatform: ModelDefaults;
    };

function evolve(state: ModelState, event: EventOf<typeof events>): ModelState {
  const overPlatform = state.status === 'absent' ? {} : state.overPlatform;
  const owner = event.metadata.tenantId;
  if (event.type === 'ModelRegistered') {
    const before = state.status === 'registered' || state.status === 'retired' ? state.model : undefined;
    const kept = state.status === 'registered' ? state.model : { defaults: {}, grantedTo: [] };
    const model: Model = {
      owner,
      revision: event.revision,
      definition: event.data,
      defaults: kept.defaults,
      grantedTo: kept.grantedTo,
      createdAt: before?.createdAt ?? event.recordedAt,
    };
    return { status: 'registered', model, overPlatform };
  }
  if (state.status === 'absent' || state.status === 'unregistered')
    return event.type === 'ModelDefaultsSet'
      ? { status: 'unregistered', owner, overPlatform: event.data.defaults }
      : state;
  const { model } = state;
  switch (event.type) {
    case 'ModelDefaultsSet':
      return state.status === 'registered'
        ? { ...state, model: { ...model, defaults: event.data.defaults } }
        : { ...state, overPlatform: event.data.defaults };
    case 'ModelGranted': {
      const added = event.data.to.filter((to) => !model.grantedTo.includes(to));
      return { ...state, model: { ...model, grantedTo: [...model.grantedTo, ...added] } };
    }
    case 'ModelGrantWithdrawn':
      return {
        ...state,
        model: { ...model, grantedTo: model.grantedTo.filter((to) => !event.data.from.includes(to)) },
      };
    case 'ModelRetired': {
      const { unhealthySince: _, ...well } = model;
      return { ...state, status: 'retired', model: well };
    }
    case 'ModelReinstated':
      return { ...state, status: 'registered' };
    case 'ModelBecameUnhealthy':
      return { ...state, model: { ...model, unhealthySince: event.recordedAt } };
    case 'ModelRecovered': {
      const { unhealthySince: _, ...well } = model;
      return { ...state, model: well };
    }
  }
}

export const models = defineAggregate({
  category: 'model',
  topic: 'defter.models',
  events,
  fields: {},
  longest: 'unbounded',
  initial: { status: 'absent' },
  evolve,
  standing: {
    listedWith: (state) => (state.status === 'unregistered' ? state.owner : state.model.owner),
    listedAt: (state) => (state.status === 'registered' ? state.model.createdAt : null),
    // Defaults for the platform's model of the name are the tenant's, though no model of it is listed.
    isThere: (state) => state.status === 'registered' || Object.keys(state.overPlatform).length > 0,
  },
});

/** The tenant that owns what belongs to the installation. */
export const PLATFORM = 'platform';
