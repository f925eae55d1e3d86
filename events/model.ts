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
  ModelRetired: [],
} as const satisfies EventFields;

export type ModelDefinition = DataOf<typeof events, 'ModelRegistered'>;
export type ModelParameter = ModelDefinition['parameters'][number];

export interface Model {
  /** The tenant that it belongs to; `platform` for those of the installation. */
  readonly owner: string;
  /** The revision of its last registration: a running model with an older one is loaded anew. */
  readonly revision: number;
  readonly definition: ModelDefinition;
  /** Parameter name to JSON text; over the definition's own defaults. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly grantedTo: readonly string[];
  readonly createdAt: number;
}

export type ModelState =
  { readonly status: 'absent' } | { readonly status: 'registered' | 'retired'; readonly model: Model };

function evolve(state: ModelState, event: EventOf<typeof events>): ModelState {
  if (event.type === 'ModelRegistered') {
    const before = state.status === 'absent' ? undefined : state.model;
    const kept = state.status === 'registered' ? state.model : { defaults: {}, grantedTo: [] };
    const model: Model = {
      owner: event.metadata.tenantId,
      revision: event.revision,
      definition: event.data,
      defaults: kept.defaults,
      grantedTo: kept.grantedTo,
      createdAt: before?.createdAt ?? event.recordedAt,
    };
    return { status: 'registered', model };
  }
  if (state.status === 'absent') return state;
  switch (event.type) {
    case 'ModelDefaultsSet':
      return { ...state, model: { ...state.model, defaults: event.data.defaults } };
    case 'ModelGranted':
      return { ...state, model: { ...state.model, grantedTo: event.data.to } };
    case 'ModelRetired':
      return { ...state, status: 'retired' };
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
    listedWith: ({ model }) => model.owner,
    listedAt: ({ status, model }) => (status === 'registered' ? model.createdAt : null),
  },
});

/** The tenant that owns what belongs to the installation. */
export const PLATFORM = 'platform';

export const isGrantedTo = ({ owner, grantedTo }: Pick<Model, 'owner' | 'grantedTo'>, tenantId: string) =>
  owner === tenantId || grantedTo.includes('*') || grantedTo.includes(tenantId);
