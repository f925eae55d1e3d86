// Where a page of a list ended: the sort value and id of its last row, opaque to the caller, and good for that list alone.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { problems } from '#contracts/problems.ts';
import { Problem } from '#platform/http/problem.ts';

const cursor = z.tuple([z.number(), z.string().max(300), z.string()]);

export interface PageEnd {
  readonly sort: number;
  readonly id: string;
}

const GIVEN_AS = { after: 'next', before: 'previous' } as const;

/** What a list is told from others by, in few characters. */
const markOf = (list: string) => createHash('sha256').update(list).digest('base64url').slice(0, 8);

/** `list` names the list with all that decides its order. */
export const writeCursor = (list: string, { sort, id }: PageEnd) =>
  Buffer.from(JSON.stringify([sort, id, markOf(list)])).toString('base64url');

/** Throws 422, naming the query's parameter, for what is no cursor of this list. */
export function readCursor(
  list: string,
  text: string | undefined,
  parameter: keyof typeof GIVEN_AS = 'after',
): PageEnd | undefined {
  if (text === undefined) return undefined;
  try {
    const [sort, id, mark] = cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    if (mark !== markOf(list)) throw new TypeError('the cursor is of another list');
    return { sort, id };
  } catch (cause) {
    const errors = [
      {
        in: 'query' as const,
        pointer: `/${parameter}`,
        message: `is not a \`${GIVEN_AS[parameter]}\` that this list gave`,
      },
    ];
    throw new Problem(problems['invalid-request'], { detail: 'There is no such page.', errors, cause });
  }
}
