// No more is accepted than can be worked off: beyond a bound on what has been accepted and not ended, 503. One model may
// have a quarter of it waiting, so that a slow upstream does not close the door for all.

import { problems } from '#contracts/problems.ts';
import { WORKLOAD, type WorkloadMessage } from '#events/live.ts';
import { Problem } from '#platform/http/problem.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';

const SHARE_OF_ONE = 0.25;

export interface Admission {
  /** Counts one more, or throws 503 when there are too many. */
  admit(modelKey: string): void;
  close(): void;
}

/** What the workers say is a little old; what was accepted since is added to it. */
export function openAdmission(live: Pick<LiveChannel, 'subscribe'>, mostOutstanding: number): Admission {
  const mostOfOne = Math.max(1, Math.floor(mostOutstanding * SHARE_OF_ONE));
  let reported: WorkloadMessage = { outstanding: 0, models: {} };
  let since = 0;
  const sinceOf = new Map<string, number>();
  const close = live.subscribe(WORKLOAD, ({ value }) => {
    reported = value as WorkloadMessage;
    since = 0;
    sinceOf.clear();
  });
  const refuse = (detail: string) => new Problem(problems.overloaded, { detail, headers: { 'retry-after': '1' } });
  return {
    close,
    admit(modelKey) {
      if (reported.outstanding + since >= mostOutstanding)
        throw refuse(`More than ${mostOutstanding} inferences are waiting; come again in a moment.`);
      const sinceHere = sinceOf.get(modelKey) ?? 0;
      if ((reported.models[modelKey] ?? 0) + sinceHere >= mostOfOne)
        throw refuse(`More than ${mostOfOne} inferences are waiting for this model; come again in a moment.`);
      since++;
      sinceOf.set(modelKey, sinceHere + 1);
    },
  };
}
