// What is shown of an inference: whole, as accepted, and as a stream of events.

import { z } from 'zod';
import { modelNameSchema } from './models.ts';
import { idSchema, timeSchema } from './primitives.ts';

export const inferenceStatusSchema = z.enum(['queued', 'running', 'completed', 'failed', 'cancelled']);

export const inferenceSchema = z
  .object({
    id: idSchema,
    status: inferenceStatusSchema,
    model: modelNameSchema,
    input: z.unknown().meta({ description: 'As it was sent: the input, or the list of messages.' }),
    parameters: z.record(z.string(), z.unknown()).meta({ description: 'As they applied, defaults filled in.' }),
    output: z.unknown().meta({ description: 'Null until completed.' }),
    usage: z.object({ inputTokens: z.number().int(), outputTokens: z.number().int() }).nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    createdAt: timeSchema,
    completedAt: timeSchema.nullable().meta({ description: 'When it ended, however it ended.' }),
  })
  .meta({ id: 'Inference' });
export type InferenceView = z.infer<typeof inferenceSchema>;

export const acceptedInferenceSchema = z
  .object({ id: idSchema, status: inferenceStatusSchema })
  .meta({ id: 'AcceptedInference' });

const sequenceSchema = z
  .string()
  .regex(/^[0-9]{1,16}$/)
  .meta({ description: 'Send the last one that came as `Last-Event-ID` to go on behind it.' });

/** One event, its fields read and its data parsed. */
export const inferenceEventSchema = z
  .discriminatedUnion('event', [
    z
      .object({ id: sequenceSchema.optional(), event: z.literal('status'), data: inferenceSchema })
      .meta({ description: 'The inference as it stands: first of all, and again, with an id, when it begins to run.' }),
    z
      .object({ id: sequenceSchema, event: z.literal('token'), data: z.object({ text: z.string() }) })
      .meta({ description: 'A piece of the answer, from models that write it piece by piece.' }),
    z
      .object({ event: z.literal('end'), data: inferenceSchema })
      .meta({ description: 'The inference with its result, however it ended. Nothing follows.' }),
  ])
  .meta({
    id: 'InferenceEvent',
    description: 'One event of the stream, by its fields `id`, `event` and `data`.',
  });
