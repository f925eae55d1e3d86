import { z } from 'zod';
import { descriptionSchema, idSchema } from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

/** Segments of letters, digits and `. _ : @ -`, joined by `/`: `org/model-7b:latest`. */
export const modelNameSchema = z
  .string()
  .min(1, 'Required')
  .max(200)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.:@-]*(?:\/[A-Za-z0-9][A-Za-z0-9_.:@-]*)*$/,
    'Must be letters, digits and . _ : @ -, in segments joined by / that begin with a letter or digit',
  );

export const PARAMETER_TYPES = ['number', 'integer', 'string', 'string_array'] as const;

/** The JSON of one parameter's value; which type it must have is the model's own word. */
export const parameterValueSchema = z.union(
  [z.number(), z.string().max(10_000), z.boolean(), z.array(z.string().max(1_000)).max(64), z.null()],
  { error: 'Must be a number, a text, true, false, null or a list of texts' },
);

export const parameterNameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'Must be letters, digits and underscores');

export const modelParameterSchema = z
  .strictObject({
    name: parameterNameSchema,
    type: z.enum(PARAMETER_TYPES),
    minimum: z.number().nullable().default(null),
    maximum: z.number().nullable().default(null),
    maxItems: z.number().int().min(1).max(64).nullable().default(null),
    maxLength: z.number().int().min(1).max(10_000).nullable().default(null),
    default: parameterValueSchema.nullable().default(null),
    description: z.string().max(500).default(''),
  })
  .meta({ id: 'ModelParameter' });

export const modelSchema = z
  .object({
    id: modelNameSchema.meta({ description: "The model's name." }),
    object: z.literal('model'),
    created: z.number().int().meta({ description: 'Unix seconds.' }),
    owned_by: z.string().meta({ description: 'The tenant it belongs to, or `platform`.' }),
    description: z.string(),
    task: z.enum(['classification', 'generation', 'chat']),
    runtime: z.enum(['tensorflow', 'openai']),
    parameters: z.array(modelParameterSchema),
    anyParameter: z.boolean().meta({ description: 'True: parameters not listed travel to the upstream as they are.' }),
    defaults: z.record(z.string(), z.unknown()).meta({ description: 'What applies where a request names no value.' }),
    maxInputChars: z.number().int(),
    timeoutMs: z.number().int(),
    source: z.string().nullable().meta({ description: 'Null where the model is not your own.' }),
    upstreamModel: z.string().nullable(),
    credentialId: z.string().nullable(),
    revision: z.number().int().min(0).nullable().meta({
      description:
        'Of what your tenant has said of the name, which `If-Match` is about; null where it has said nothing.',
    }),
  })
  .meta({ id: 'Model' });
export type ModelView = z.infer<typeof modelSchema>;

const limits = {
  description: descriptionSchema.default(''),
  maxInputChars: z.number().int().min(1).max(1_000_000).optional(),
  timeoutMs: z.number().int().min(100).max(600_000).optional().meta({ description: 'The longest one run may take.' }),
};

const openaiModelSchema = z
  .strictObject({
    runtime: z.literal('openai'),
    source: z
      .url({ protocol: /^https?$/, error: 'Must be an http or https URL' })
      .max(2_000)
      .refine((text) => !hasCredentials(text), 'Must not hold a user name or password; store a credential')
      .meta({
        pattern: '^https?://',
        description: 'The base URL of an OpenAI-compatible server, such as https://api.openai.com/v1.',
      }),
    upstreamModel: z.string().min(1).max(200).optional().meta({ description: 'Without it: the name itself.' }),
    credentialId: idSchema.optional().meta({
      description: 'Of your tenant; needs the permission `credentials:write`, and `platform` for one of `env:NAME`.',
    }),
    parameters: z.array(modelParameterSchema).max(64).default([]),
    anyParameter: z.boolean().default(true),
    ...limits,
  })
  .meta({ id: 'RegisterOpenaiModel' });

const tensorflowModelSchema = z
  .strictObject({
    runtime: z.literal('tensorflow'),
    source: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'Must be the name of a built-in model')
      .meta({ description: 'A built-in model, such as language-id.' }),
    ...limits,
  })
  .meta({ id: 'RegisterTensorflowModel' });

export const registerModelSchema = z.discriminatedUnion('runtime', [openaiModelSchema, tensorflowModelSchema]);

export const setDefaultsSchema = z
  .record(parameterNameSchema, parameterValueSchema)
  .refine((defaults) => Object.keys(defaults).length <= 64, 'Must not name more than 64 parameters')
  .meta({ id: 'ModelDefaults', description: 'Replaces the defaults set before.' });

function hasCredentials(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.username !== '' || url.password !== '');
}

/** `example` is a name with which the route's other examples are right. */
export const modelNameParams = (example: string) =>
  z.object({
    name: modelNameSchema.meta({ description: 'May hold `/`, percent-encoded or as it is.', examples: [example] }),
  });
const example = {
  id: 'acme/writer',
  object: 'model',
  created: 1_785_576_600,
  owned_by: 'default',
  description: 'Writes invoices.',
  task: 'chat',
  runtime: 'openai',
  parameters: [],
  anyParameter: true,
  defaults: { temperature: 0.2 },
  maxInputChars: 200_000,
  timeoutMs: 60_000,
  source: 'https://api.openai.com/v1',
  upstreamModel: 'gpt-5-mini',
  credentialId: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f',
  revision: 1,
};
const written = ['location', 'etag', 'x-consistency-token'] as const;

export const modelRoutes = routesUnder('Models', {
  registerModel: {
    method: 'PUT',
    path: '/v1/models/{name}',
    side: 'command',
    permission: 'models:write',
    summary: 'Register a model, or register it anew',
    description:
      "Your tenant's own; it stands before the platform's of the same name. Defaults set before stay. Naming a credential needs `credentials:write` too, and `platform` where its value is one of the server's variables, as the upstream is sent it. The upstream must not be on a private network, unless the server allows it or the model is the platform's.",
    params: modelNameParams('acme/writer'),
    slashes: 'name',
    body: registerModelSchema,
    bodyExample: { runtime: 'openai', source: 'https://api.openai.com/v1', upstreamModel: 'gpt-5-mini' },
    answers: {
      200: { description: 'The model, registered anew.', schema: modelSchema, headers: written, example },
      201: { description: 'The model.', schema: modelSchema, headers: written, example },
    },
    problems: ['revision-mismatch'],
    idempotent: true,
    ifMatch: true,
  },
  setModelDefaults: {
    method: 'PUT',
    path: '/v1/models/{name}/defaults',
    side: 'command',
    permission: 'models:write',
    summary: "Set a model's default parameters",
    description:
      "Of your tenant's own model of the name, else for your tenant alone over those of the platform's model that it may use.",
    params: modelNameParams('tiny-writer'),
    slashes: 'name',
    body: setDefaultsSchema,
    bodyExample: { temperature: 0.2, max_tokens: 200 },
    answers: {
      200: { description: 'The model.', schema: modelSchema, headers: ['etag', 'x-consistency-token'], example },
    },
    problems: ['revision-mismatch', 'model-not-found'],
    idempotent: true,
    ifMatch: true,
  },
  retireModel: {
    method: 'DELETE',
    path: '/v1/models/{name}',
    side: 'command',
    permission: 'models:write',
    summary: 'Retire a model',
    description:
      "Your tenant's own; the platform's of the same name, if it is granted, is what the name means then. Requests accepted before still run.",
    params: modelNameParams('acme/writer'),
    slashes: 'name',
    answers: {
      200: {
        description: 'The model is retired.',
        schema: z
          .object({ id: z.string(), object: z.literal('model'), deleted: z.literal(true) })
          .meta({ id: 'DeletedModel' }),
        headers: ['etag', 'x-consistency-token'],
        example: { id: 'acme/writer', object: 'model', deleted: true },
      },
    },
    problems: ['revision-mismatch', 'model-not-found'],
    idempotent: true,
    ifMatch: true,
    openai: true,
  },
  reinstateModel: {
    method: 'POST',
    path: '/v1/models/{name}/reinstate',
    side: 'command',
    permission: 'models:write',
    summary: 'Bring back a model that was retired',
    description: "Your tenant's own, as it was: its defaults and grants too. One that is there is left as it is.",
    params: modelNameParams('acme/writer'),
    slashes: 'name',
    answers: {
      200: { description: 'The model.', schema: modelSchema, headers: ['etag', 'x-consistency-token'], example },
    },
    problems: ['revision-mismatch', 'model-not-found'],
    idempotent: true,
    ifMatch: true,
  },
  listModels: {
    method: 'GET',
    path: '/v1/models',
    side: 'query',
    permission: 'models:read',
    summary: 'List the models that you may use',
    answers: {
      200: {
        description: 'All of them; OpenAI clients read this list too.',
        schema: z.object({ object: z.literal('list'), data: z.array(modelSchema) }).meta({ id: 'ModelList' }),
        example: { object: 'list', data: [example] },
      },
    },
    openai: true,
  },
  getModel: {
    method: 'GET',
    path: '/v1/models/{name}',
    side: 'query',
    permission: 'models:read',
    summary: 'Read a model',
    params: modelNameParams('tiny-writer'),
    slashes: 'name',
    answers: { 200: { description: 'The model.', schema: modelSchema, headers: ['etag'], example } },
    problems: ['model-not-found'],
    openai: true,
  },
} as const satisfies RouteTable);
