// Where a page of a list ended: the sort value and id of its last row, opaque to the caller.

import { z } from 'zod';
import { problems } from '#contracts/problems.ts';
import { Problem } from '#platform/http/problem.ts';

const GIVEN_AS = { after: 'next', before: 'previous' } as const;

const cursor = z.tuple([z.number(), z.string().max(300)]);

export interface PageEnd {
  readonly sort: number;
  readonly id: string;
}

export const writeCursor = ({ sort, id }: PageEnd) => Buffer.from(JSON.stringify([sort, id])).toString('base64url');

/** Throws 422, naming the parameter that it came in, for what is no cursor of ours. */
export function readCursor(text: string | undefined, parameter: 'after' | 'before' = 'after'): PageEnd | undefined {
  if (text === undefined) return undefined;
  try {
    const [sort, id] = cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    return { sort, id };
  } catch (cause) {
    const errors = [
      {
        in: 'query' as const,
        pointer: `/${parameter}`,
        message: `is not a \`${GIVEN_AS[parameter]}\` that a list gave`,
      },
    ];
    throw new Problem(problems['invalid-request'], { detail: 'There is no such page.', errors, cause });
  }
}
