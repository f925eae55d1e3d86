import { avro, type FromAvro } from './avro.ts';
import { type RememberedCommands, rememberCommand } from './commands.ts';
import type { RecordedEvent } from './envelope.ts';

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

export const modelEvents = {
  ModelRegistered: avro({
    type: 'record',
    name: 'ModelRegistered',
    fields: [
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
  }),
  ModelDefaultsSet: avro({
    type: 'record',
    name: 'ModelDefaultsSet',
    fields: [{ name: 'defaults', type: { type: 'map', values: 'string' }, doc: 'parameter name to JSON text' }],
  }),
  ModelGranted: avro({
    type: 'record',
    name: 'ModelGranted',
    fields: [{ name: 'to', type: { type: 'array', items: 'string' }, doc: 'tenant ids, or * for all' }],
  }),
  ModelRetired: avro({ type: 'record', name: 'ModelRetired', fields: [] }),
} as const;

export type ModelEvent = {
  [T in keyof typeof modelEvents]: { readonly type: T; readonly data: FromAvro<(typeof modelEvents)[T]> };
}[keyof typeof modelEvents];

export type ModelDefinition = FromAvro<(typeof modelEvents)['ModelRegistered']>;
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
  | { readonly status: 'absent' }
  | { readonly status: 'registered' | 'retired'; readonly model: Model; readonly commands: RememberedCommands };

export const initialModel: ModelState = { status: 'absent' };

export function evolveModel(state: ModelState, event: RecordedEvent): ModelState {
  const { type, data } = event as unknown as ModelEvent;
  if (type === 'ModelRegistered') {
    const before = state.status === 'absent' ? undefined : state.model;
    const model: Model = {
      owner: event.metadata.tenantId,
      revision: event.revision,
      definition: data,
      defaults: state.status === 'registered' && before ? before.defaults : {},
      grantedTo: state.status === 'registered' && before ? before.grantedTo : [],
      createdAt: before?.createdAt ?? event.recordedAt,
    };
    return {
      status: 'registered',
      model,
      commands: rememberCommand(state.status === 'absent' ? [] : state.commands, event),
    };
  }
  if (state.status === 'absent') return state;
  const commands = rememberCommand(state.commands, event);
  switch (type) {
    case 'ModelDefaultsSet':
      return { ...state, model: { ...state.model, defaults: data.defaults }, commands };
    case 'ModelGranted':
      return { ...state, model: { ...state.model, grantedTo: data.to }, commands };
    case 'ModelRetired':
      return { ...state, status: 'retired', commands };
    default:
      return state;
  }
}

/** The tenant that owns what belongs to the installation. */
export const PLATFORM = 'platform';

export const isGrantedTo = ({ owner, grantedTo }: Pick<Model, 'owner' | 'grantedTo'>, tenantId: string) =>
  owner === tenantId || grantedTo.includes('*') || grantedTo.includes(tenantId);
