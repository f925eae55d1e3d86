// I5: a read with a token never returns older than the token. And what any read showed is in the log.

import type { AnsweredRead, History, Mark, Seen, Violation } from './history.ts';
import { byStream } from './history-log-checks.ts';

export function staleReads({ log, reads }: History): Violation[] {
  const streams = byStream(log);
  const lengthOf = (stream: string) => streams.get(stream)?.length ?? 0;
  const endsFrom = ({ stream, revision }: Mark) =>
    (streams.get(stream) ?? []).some((event) => ENDS.has(event.type) && event.revision >= revision);
  return reads.flatMap((read) => [
    ...read.token
      .filter((mark) =>
        isStale(
          read.seen.find(({ stream }) => stream === mark.stream),
          mark,
          endsFrom,
        ),
      )
      .map((mark) => stale(read, mark)),
    ...read.seen.flatMap((seen) => unfounded(read, seen, lengthOf)),
  ]);
}

/** I1 of reading: whoever was told what happened left a record of it, once. */
export function unrecordedReads({ log, reads }: Pick<History, 'log' | 'reads'>): Violation[] {
  const records = Map.groupBy(
    log.filter(({ type }) => type === 'AuditRead'),
    ({ metadata }) => metadata.$correlationId,
  );
  return reads
    .filter(({ audited }) => audited)
    .flatMap(({ request, what }): Violation[] => {
      const { length } = records.get(request) ?? [];
      if (length === 1) return [];
      return [{ invariant: 'I1', sentence: `${what} (request ${request}) is recorded ${length} times.` }];
    });
}

/** After these a thing is in no list. */
const ENDS: ReadonlySet<string> = new Set(['ApiKeyRevoked', 'ModelRetired']);

/** `endsFrom`: whether the thing ended at the mark or later, so that it may be gone. */
function isStale(seen: Seen | undefined, mark: Mark, endsFrom: (mark: Mark) => boolean): boolean {
  if (!seen) return true;
  switch (seen.shows) {
    case 'revision':
      return seen.revision < mark.revision;
    case 'alive':
      // Made at revision 0 and ended at revision 1.
      return mark.revision > 0;
    case 'nothing':
      return !endsFrom(mark);
  }
}

const stale = ({ request, what, seen }: AnsweredRead, { stream, revision }: Mark): Violation => ({
  invariant: 'I5',
  sentence: `${what} (request ${request}) carried a token of revision ${revision} of ${stream} and showed ${JSON.stringify(
    seen.find((one) => one.stream === stream) ?? 'nothing',
  )}.`,
});

function unfounded({ request, what }: AnsweredRead, seen: Seen, lengthOf: (stream: string) => number): Violation[] {
  const shown = seen.shows === 'revision' ? seen.revision : seen.shows === 'alive' ? 0 : -1;
  if (shown < lengthOf(seen.stream)) return [];
  const sentence = `${what} (request ${request}) showed revision ${shown} of ${seen.stream}, which is not in the log.`;
  return [{ invariant: 'I1', sentence }];
}
