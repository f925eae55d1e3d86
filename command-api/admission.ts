// No more is accepted than can be worked off in half a minute, by one model or by all together: beyond it, 503. Whatever
// their pace, MAX_OUTSTANDING may wait in all, and a quarter of it for one model: so a slow upstream does not close the door
// for all, and a short stall of quick models closes it for nobody.

import { problems } from '#contracts/problems.ts';
import { WORKLOAD, type WorkloadMessage } from '#events/live.ts';
import { Problem } from '#platform/http/problem.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';

const SHARE_OF_ONE = 0.25;
const MOST_SECONDS_WAITED = 30;
/** A worker that says nothing for so long is gone; what it had is another's to report. */
const SILENT_AFTER_MS = 5_000;

export interface Admission {
  /** Counts one more, or throws 503 when there are too many. */
  admit(modelKey: string): void;
  close(): void;
}

interface Report {
  readonly message: WorkloadMessage;
  readonly at: number;
}

interface Admitted {
  readonly modelKey: string;
  readonly at: number;
}

/**
 * What the workers say is a little old: what was accepted here since the oldest of their reports is added to it. While
 * none says anything, all that is accepted counts.
 */
export function openAdmission(
  live: Pick<LiveChannel, 'subscribe'>,
  mostOutstanding: number,
  now: () => number = () => performance.now(),
): Admission {
  const shareOfOne = Math.max(1, Math.floor(mostOutstanding * SHARE_OF_ONE));
  let mostOfAll = mostOutstanding;
  const reports = new Map<string, Report>();
  let outstanding = 0;
  /** By model, of all workers together; requests a second. */
  const reported = new Map<string, { waiting: number; perSecond: number }>();
  let since: Admitted[] = [];
  const sinceOf = new Map<string, number>();

  const close = live.subscribe(WORKLOAD, ({ value }) => {
    const message = value as WorkloadMessage;
    const at = now();
    reports.set(message.worker, { message, at });
    for (const [worker, report] of reports) if (at - report.at > SILENT_AFTER_MS) reports.delete(worker);
    takeStock();
    forgetUpTo(Math.min(...[...reports.values()].map((report) => report.at)));
  });

  function takeStock() {
    outstanding = 0;
    reported.clear();
    for (const { message } of reports.values()) {
      outstanding += message.outstanding;
      for (const [key, { waiting, perSecond = 0 }] of Object.entries(message.models)) {
        const before = reported.get(key) ?? { waiting: 0, perSecond: 0 };
        reported.set(key, { waiting: before.waiting + waiting, perSecond: before.perSecond + perSecond });
      }
    }
    const perSecond = [...reported.values()].reduce((sum, model) => sum + model.perSecond, 0);
    mostOfAll = Math.max(mostOutstanding, Math.floor(perSecond * MOST_SECONDS_WAITED));
  }

  function forgetUpTo(time: number) {
    const first = since.findIndex(({ at }) => at > time);
    since = first === -1 ? [] : since.slice(first);
    sinceOf.clear();
    for (const { modelKey } of since) sinceOf.set(modelKey, (sinceOf.get(modelKey) ?? 0) + 1);
  }

  const refuse = (detail: string) => new Problem(problems.overloaded, { detail, headers: { 'retry-after': '1' } });
  return {
    close,
    admit(modelKey) {
      if (outstanding + since.length >= mostOfAll)
        throw refuse(`More than ${mostOfAll} inferences are waiting; come again in a moment.`);
      const sinceHere = sinceOf.get(modelKey) ?? 0;
      const { waiting, perSecond } = reported.get(modelKey) ?? { waiting: 0, perSecond: 0 };
      const mostOfOne = Math.max(shareOfOne, Math.floor(perSecond * MOST_SECONDS_WAITED));
      if (waiting + sinceHere >= mostOfOne)
        throw refuse(`More than ${mostOfOne} inferences are waiting for this model; come again in a moment.`);
      since.push({ modelKey, at: now() });
      sinceOf.set(modelKey, sinceHere + 1);
    },
  };
}
