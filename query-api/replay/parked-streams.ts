// Streams that a read model has set aside: what it tells of them is old, or it tells nothing.

import { type DeadLetter, type DeadLetterRows, listDeadLetters } from '#platform/bus/dead-letter-rows.ts';

const AT_ONCE = 1_000;

/** All streams that a version of the read model has parked, with the first revision that it lacks. */
export async function parkedBy(
  rows: DeadLetterRows,
  readModel: string,
  atOnce = AT_ONCE,
): Promise<ReadonlyMap<string, number>> {
  const parked = new Map<string, number>();
  let after: DeadLetter | undefined;
  do {
    const letters = await listDeadLetters(rows, { group: readModel, limit: atOnce, ...(after && { after }) });
    for (const { stream, revision } of letters) parked.set(stream, Math.min(revision, parked.get(stream) ?? revision));
    after = letters.length < atOnce ? undefined : letters.at(-1);
  } while (after);
  return parked;
}
