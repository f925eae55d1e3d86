import { z } from 'zod';

export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'A path on this server: /problems/<code>.' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    instance: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z
      .array(
        z.object({
          in: z.enum(['body', 'query', 'path', 'header']),
          pointer: z.string().meta({ description: 'RFC 6901, into that part.' }),
          message: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'Each fault that was found.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' });

export const openaiProblemSchema = problemSchema
  .extend({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .meta({ id: 'OpenaiProblem', description: "RFC 9457, with OpenAI's error beside it." });
