// I5: a read with a token never returns older than the token. And what any read showed is in the log.

import type { AnsweredRead, History, Mark, Seen, Violation } from './history.ts';
import { byStream } from './history-log-checks.ts';

export function staleReads({ log, reads }: History): Violation[] {
  const streams = byStream(log);
  const lengthOf = (stream: string) => streams.get(stream)?.length ?? 0;
  return reads.flatMap((read) => [
    ...read.token
      .filter((mark) =>
        isStale(
          read.seen.find(({ stream }) => stream === mark.stream),
          mark,
          lengthOf,
        ),
      )
      .map((mark) => stale(read, mark)),
    ...read.seen.flatMap((seen) => unfounded(read, seen, lengthOf)),
  ]);
}

function isStale(seen: Seen | undefined, { stream, revision }: Mark, lengthOf: (stream: string) => number): boolean {
  if (!seen) return true;
  switch (seen.shows) {
    case 'revision':
      return seen.revision < revision;
    case 'alive':
      // Made at revision 0 and ended at revision 1.
      return revision > 0;
    case 'nothing':
      // It has gone since, or was never there for the reader.
      return revision === 0 && lengthOf(stream) < 2;
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
