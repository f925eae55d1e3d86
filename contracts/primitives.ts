// Shapes that several areas share.

import { z } from 'zod';
import type { ZodOpenApiSchemaObject } from 'zod-openapi';

/** For `override` in a schema's meta: the document says a value as it is meant rather than as it is read. */
export const shownAs =
  (shown: ZodOpenApiSchemaObject) =>
  ({ jsonSchema }: { readonly jsonSchema: Record<string, unknown> }) => {
    for (const key of Object.keys(jsonSchema)) if (key !== 'description') delete jsonSchema[key];
    Object.assign(jsonSchema, shown);
  };

// Patterns are in the document, and clients of other languages draw values from them: so they spell out what \w and \d
// mean here, and keep to what every dialect has.

/** An id of ours: opaque to the caller. */
export const idSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'Must be an id')
  .meta({ description: 'An opaque id.' });

/** Who caused an event. */
export const actorSchema = z.object({ kind: z.enum(['api-key', 'user', 'system']), id: z.string() });

/** One line, of which neither end is a space. */
const NAME =
  // oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
  /^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f])?$/;

/** What shows nothing, or turns the text around it; joiners are part of words and signs (Persian, emoji). */
const INVISIBLE = /(?!\u200c|\u200d|\ufe0e|\ufe0f)[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/u;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** A name people give: one line, nothing invisible, no space around it. */
export const nameSchema = z
  .string()
  .min(1, 'Required')
  .max(100)
  .regex(NAME, 'Must be one line without control characters, with no space around it')
  .refine((name) => !INVISIBLE.test(name) && VISIBLE.test(name), 'Must not hold invisible characters');

/** Why something was done, in words for those whom it meets. */
export const reasonSchema = z.string().max(500);

export const descriptionSchema = z.string().max(2_000);

export const timeSchema = z.iso.datetime({ message: 'Must be an ISO 8601 time in UTC, such as 2026-08-01T09:30:00Z' });

/** A time in the query, as milliseconds since the epoch. */
export const timeParameter = timeSchema.transform((text) => Date.parse(text));

/** How many requests a minute; null for no limit of its own. */
export const limitsSchema = z
  .strictObject({ requestsPerMinute: z.number().int().min(1).max(10_000_000).nullable() })
  .meta({ id: 'Limits', description: 'Null for no limit of its own.' });

const DURATION = /^([0-9]{1,6})(ms|s|m)$/;
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** `500ms`, `30s` or `1m`, as milliseconds. */
export const durationParameter = (maximumMs: number) =>
  z
    .string()
    .regex(DURATION, 'Must be a duration such as 500ms, 30s or 1m')
    .transform((text) => {
      const [, amount, unit] = DURATION.exec(text) ?? [];
      return Number(amount) * (MILLISECONDS[unit ?? ''] ?? Number.NaN);
    })
    .refine((milliseconds) => milliseconds <= maximumMs, `Must be at most ${maximumMs / 1_000}s`);

const SPAN = /^([0-9]{1,6})(s|m|h|d)$/;
const SPAN_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A longer time, `0s`, `90m`, `24h` or `30d`, as milliseconds. */
export const spanSchema = (maximumMs: number) =>
  z
    .string()
    .regex(SPAN, 'Must be a time such as 90s, 30m, 24h or 7d')
    .transform((text) => {
      const [, amount, unit] = SPAN.exec(text) ?? [];
      return Number(amount) * (SPAN_MS[unit ?? ''] ?? Number.NaN);
    })
    .refine((milliseconds) => milliseconds <= maximumMs, `Must be at most ${maximumMs / 86_400_000}d`);

export const limitParameter = z
  .string()
  .regex(/^\d{1,4}$/, 'Must be a whole number from 1 to 100')
  .transform(Number)
  .refine((limit) => limit >= 1 && limit <= 100, 'Must be a whole number from 1 to 100')
  .default(20)
  .meta({
    override: shownAs({ type: 'integer', minimum: 1, maximum: 100, default: 20 }),
    description: 'How many at most.',
  });

export const afterParameter = z
  .string()
  .min(1)
  .max(512)
  .optional()
  .meta({ description: 'The `next` of the page before.' });

export const beforeParameter = z
  .string()
  .min(1)
  .max(512)
  .optional()
  .meta({ description: 'The `previous` of the page after; not together with `after`.' });

/** One value, or several by repeating the parameter. */
export const repeatedParameter = <Value extends z.ZodType<unknown, string>>(value: Value) =>
  z.union([value, z.array(value).max(20)]).transform((given) => (Array.isArray(given) ? given : [given]));

/**
 * The answer that is a page of a list; `id` names its schema in documents. `next` goes into `after` for the page that
 * follows, null on the last.
 */
export const pageOf = <Item extends z.ZodType>(id: string, item: Item, description: string, example: unknown) => ({
  200: {
    description,
    schema: z.object({ object: z.literal('list'), data: z.array(item), next: z.string().nullable() }).meta({ id }),
    example: { object: 'list', data: [example], next: null },
  },
});

/**
 * As `pageOf`, of a list that is walked both ways: `previous` goes into `before`; it is
 * there whenever the page has an item, as others may come before it.
 */
export const pageBothWays = <Item extends z.ZodType>(
  id: string,
  item: Item,
  description: string,
  example: unknown,
) => ({
  200: {
    description,
    schema: z
      .object({
        object: z.literal('list'),
        data: z.array(item),
        next: z.string().nullable(),
        previous: z.string().nullable(),
      })
      .meta({ id }),
    example: { object: 'list', data: [example], next: null, previous: 'WzEwMjQsIjEwMjQiXQ' },
  },
});

/** 0-based; also the number in the ETag. */
export const revisionSchema = z.number().int().min(0);
