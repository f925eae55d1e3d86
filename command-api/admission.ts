// No more is accepted than can be worked off: beyond a bound on what has been accepted and not ended, 503.

import { problems } from '#contracts/problems.ts';
import { WORKLOAD, type WorkloadMessage } from '#events/live.ts';
import { Problem } from '#platform/http/problem.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';

export interface Admission {
  /** Counts one more, or throws 503 when there are too many. */
  admit(): void;
  close(): void;
}

/** What the workers say is a little old; what was accepted since is added to it. */
export function openAdmission(live: Pick<LiveChannel, 'subscribe'>, mostOutstanding: number): Admission {
  let reported = 0;
  let since = 0;
  const close = live.subscribe(WORKLOAD, ({ value }) => {
    reported = (value as WorkloadMessage).outstanding;
    since = 0;
  });
  return {
    close,
    admit() {
      if (reported + since >= mostOutstanding)
        throw new Problem(problems.overloaded, {
          detail: `More than ${mostOutstanding} inferences are waiting; come again in a moment.`,
          headers: { 'retry-after': '1' },
        });
      since++;
    },
  };
}
