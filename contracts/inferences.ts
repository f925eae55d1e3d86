import { z } from 'zod';
import {
  acceptedInferenceSchema,
  inferenceEventSchema,
  inferenceSchema,
  inferenceStatusSchema,
} from './inference-answers.ts';
import { modelNameSchema, parameterNameSchema, parameterValueSchema } from './models.ts';
import {
  afterParameter,
  durationParameter,
  idSchema,
  limitParameter,
  repeatedParameter,
  shownAs,
  timeParameter,
} from './primitives.ts';
import { type RouteTable, routesUnder } from './route.ts';

/** No body is longer; what counts is the model's own bound. */
const MOST_INPUT_CHARS = 2 * 1024 * 1024;

/** What an inference of a built-in model is asked. */
const inputFormSchema = z
  .strictObject({
    model: modelNameSchema,
    input: z.string().max(MOST_INPUT_CHARS).meta({ description: "At most the model's `maxInputChars`." }),
    parameters: z
      .record(parameterNameSchema, parameterValueSchema)
      .refine((parameters) => Object.keys(parameters).length <= 64, 'Must not name more than 64 parameters')
      .default({}),
  })
  .meta({ id: 'InputForm' });

/** What OpenAI's chat form asks: every other member travels on as it is. */
export const chatFormSchema = z
  .looseObject({
    model: modelNameSchema,
    input: z.never({ error: 'Must not stand beside messages' }).optional(),
    messages: z
      .array(z.looseObject({ role: z.string().min(1).max(64) }))
      .min(1)
      .max(10_000),
  })
  .meta({ id: 'ChatForm' });

export const submitInferenceSchema = z.union([inputFormSchema, chatFormSchema]);
export type InferenceSubmission = z.infer<typeof submitInferenceSchema>;

/** Whether a submission is in the chat form; then all but `model` and `messages` are its parameters. */
export const isChatForm = (body: InferenceSubmission): body is z.infer<typeof chatFormSchema> => 'messages' in body;

const searchedSchema = z
  .object({
    words: z.array(z.string()).meta({ description: 'What was looked for: the words of `q` as they are indexed.' }),
    characters: z.number().int().meta({ description: 'Of each input and each output so many are indexed at most.' }),
    differentWords: z.number().int().meta({ description: 'Of each input and each output as many at most.' }),
    running: z.literal(false).meta({ description: 'What has not ended yet is not found by words.' }),
  })
  .meta({ id: 'SearchedInferences', description: 'With `q`: what the search covered.' });

const id = '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f';
const example = {
  id,
  status: 'completed',
  model: 'language-id',
  input: 'Günaydın, nasılsınız?',
  parameters: { top: 2 },
  output: { label: 'tr', scores: { tr: 0.98, az: 0.01 } },
  usage: { inputTokens: 21, outputTokens: 1 },
  error: null,
  createdAt: '2026-08-01T09:30:00.000Z',
  completedAt: '2026-08-01T09:30:00.012Z',
};
const accepted = { id, status: 'queued' };
const queued = { ...example, status: 'queued', output: null, usage: null, completedAt: null };
const streamExample = [
  { event: 'status', data: queued },
  { id: '0', event: 'status', data: { ...queued, status: 'running' } },
  { id: '1', event: 'token', data: { text: 'Good ' } },
  { event: 'end', data: example },
]
  .map(
    ({ id, event, data }) =>
      `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
  )
  .join('');

const params = z.object({ id: idSchema });
const waitQuery = z.strictObject({
  wait: durationParameter(60_000)
    .optional()
    .meta({
      override: shownAs({ type: 'string', pattern: '^([0-9]{1,4}ms|[0-5]?[0-9]s|60s|[01]m)$', examples: ['30s'] }),
      description: 'Wait at most this long for the end: 500ms, 30s, at most 1m.',
    }),
});

export const inferenceRoutes = routesUnder('Inferences', {
  submitInference: {
    method: 'POST',
    path: '/v1/inferences',
    side: 'command',
    permission: 'inference:write',
    summary: 'Submit an inference',
    description:
      'Either `input` and `parameters`, or `messages` and whatever else the upstream knows. The answer means that the request is durably accepted; read it at `Location`, or `wait` for its end here. Who leaves while waiting does not cancel it.',
    query: waitQuery,
    body: submitInferenceSchema,
    bodyExample: { model: 'language-id', input: 'Günaydın, nasılsınız?', parameters: { top: 2 } },
    answers: {
      200: {
        description: 'With `wait`: it has ended, and this is what a read of it shows.',
        schema: inferenceSchema,
        headers: ['location', 'etag', 'x-consistency-token', 'idempotent-replayed'],
        example,
      },
      202: {
        description: 'Accepted.',
        schema: acceptedInferenceSchema,
        headers: ['location', 'etag', 'x-consistency-token', 'retry-after', 'idempotent-replayed'],
        example: accepted,
      },
    },
    problems: ['model-not-found', 'input-too-long', 'unsupported-by-model', 'overloaded'],
    idempotent: true,
  },
  cancelInference: {
    method: 'DELETE',
    path: '/v1/inferences/{id}',
    side: 'command',
    permission: 'inference:write',
    summary: 'Cancel an inference',
    description: 'Cancelling a cancelled one changes nothing.',
    params,
    answers: {
      200: {
        description: 'It is cancelled.',
        schema: acceptedInferenceSchema,
        headers: ['etag', 'x-consistency-token'],
        example: { id, status: 'cancelled' },
      },
    },
    problems: ['already-finished', 'revision-mismatch'],
    idempotent: true,
    ifMatch: true,
  },
  getInference: {
    method: 'GET',
    path: '/v1/inferences/{id}',
    side: 'query',
    permission: 'inference:read',
    summary: 'Read an inference, waiting for its end if asked to',
    params,
    query: waitQuery,
    answers: {
      200: { description: 'The inference.', schema: inferenceSchema, headers: ['etag'], example },
      202: {
        description: 'With `wait`: it has not ended yet.',
        schema: inferenceSchema,
        headers: ['etag', 'retry-after'],
        example: queued,
      },
    },
  },
  listInferences: {
    method: 'GET',
    path: '/v1/inferences',
    side: 'query',
    permission: 'inference:read',
    summary: 'List and search inferences, the newest first',
    description: [
      '`q` looks for words that people and models wrote: in prompts and the texts of messages, in answers, in what tools were asked and told. Roles, types, names of members, ids, addresses, definitions of tools, images and sound are not searched, nor messages of errors.',
      'An inference is found by its words once it has ended.',
      'Of each input and each output 50,000 characters and 10,000 different words are indexed, of messages the newest of users first, then answers, then the rest, and of a longer text its beginning and its end; `searched` in the answer says so with every search.',
      'Signs, quotes and operators are no words: `"red rose" OR sea` asks for all four.',
      'Where no spaces part words (Chinese, Japanese, Thai, Korean, …) characters and pairs of neighbours are words.',
    ].join(' '),
    query: z.strictObject({
      status: repeatedParameter(inferenceStatusSchema).optional(),
      model: repeatedParameter(modelNameSchema).optional(),
      createdAfter: timeParameter.optional(),
      createdBefore: timeParameter.optional(),
      q: z.string().min(1).max(500).optional().meta({
        description: 'Full text: those with all of these words, whatever their case; `word*` for a beginning.',
      }),
      limit: limitParameter,
      after: afterParameter,
    }),
    answers: {
      200: {
        description: 'A page of inferences.',
        schema: z
          .object({
            object: z.literal('list'),
            data: z.array(inferenceSchema),
            next: z.string().nullable(),
            searched: searchedSchema.optional(),
          })
          .meta({ id: 'InferenceList' }),
        example: {
          object: 'list',
          data: [example],
          next: null,
          searched: { words: ['gunaydin'], characters: 50_000, differentWords: 10_000, running: false },
        },
      },
    },
    problems: ['search-timed-out'],
  },
  streamInference: {
    method: 'GET',
    path: '/v1/inferences/{id}/events',
    side: 'query',
    permission: 'inference:read',
    summary: 'Follow an inference: its tokens as they come, then its end',
    description: [
      'Server-sent events (WHATWG HTML, section 9.2): first `status`, then each `token` as it is written, last `end`.',
      'The data of each is JSON on one line.',
      'Where a connection breaks, ask again with the last `id` that came as `Last-Event-ID`: the tokens behind it follow, as far as they are kept.',
      'An inference that has ended is told again whenever it is asked for. Lines that begin with a colon come while nothing else does.',
    ].join(' '),
    params,
    answers: {
      200: {
        description: 'Events, until the inference ends.',
        contentType: 'text/event-stream',
        schema: inferenceEventSchema,
        example: streamExample,
      },
    },
  },
} as const satisfies RouteTable);
