// No more is accepted than can wait: MAX_OUTSTANDING in all (by a tenant alone twice that, if it is worked off in half a minute),
// and for one model a quarter of it, or what that model works off in half a minute. So a slow upstream does not close the door for all, and a short stall of a quick model closes it for
// nobody. What may wait is shared by the tenants (fair-share.ts).

import { problems } from '#contracts/problems.ts';
import { WORKLOAD, type WorkloadMessage } from '#events/live.ts';
import { Problem } from '#platform/http/problem.ts';
import { tooManyRequests } from '#platform/http/too-many-requests.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import { mostWaiting, refusalOf, shareOf, type Waiting } from './fair-share.ts';
import { createWaitingCounts } from './waiting-counts.ts';

const SHARE_OF_ONE = 0.25;
const MOST_SECONDS_WAITED = 30;
/** A worker that says nothing for so long is gone; what it had is another's to report. */
const SILENT_AFTER_MS = 5_000;
/** Beyond its deadline nothing waits; what no worker said it was given is forgotten a little later. */
const AFTER_DEADLINE_MS = 10_000;
const RETRY_AFTER_MS = 1_000;

export interface Admission {
  /** Takes a place for one more, or throws: 429 where the tenant has its share, 503 where all have too much. */
  admit(tenantId: string, modelKey: string): Place;
  close(): void;
}

export interface Place {
  /** Its request is in the log: the place is kept until a worker says that it was given it. */
  written(stream: string, position: bigint): void;
  /** There will be no such request. */
  giveUp(): void;
}

export interface AdmissionOptions {
  readonly live: Pick<LiveChannel, 'subscribe'>;
  readonly mostOutstanding: number;
  /** The partition of a request's stream. */
  readonly partitionOf: (stream: string) => number;
  /** Milliseconds for which a request may wait and run. */
  readonly timeoutMs: number;
  readonly now?: () => number;
}

interface Report {
  readonly message: WorkloadMessage;
  readonly at: number;
}

interface Taken {
  readonly tenantId: string;
  readonly modelKey: string;
  readonly at: number;
  /** Once it is in the log. */
  event?: { readonly stream: string; readonly position: bigint };
}

/**
 * Counts what the workers say that they have, and what was let in here and has not come to them yet. While none says
 * anything, that is all that was let in.
 */
export function openAdmission(options: AdmissionOptions): Admission {
  const { live, mostOutstanding, partitionOf, timeoutMs, now = () => performance.now() } = options;
  const leastForOne = Math.max(1, Math.floor(mostOutstanding * SHARE_OF_ONE));
  const reports = new Map<string, Report>();
  /** Of all workers together, requests a second. */
  const paces = new Map<string, number>();
  /** Places of which no worker has said that it was given the request. */
  let onTheWay = new Set<Taken>();
  let counts = createWaitingCounts();

  const close = live.subscribe(WORKLOAD, ({ value }) => {
    const message = value as WorkloadMessage;
    const at = now();
    reports.set(message.worker, { message, at });
    for (const [worker, report] of reports) if (at - report.at > SILENT_AFTER_MS) reports.delete(worker);
    onTheWay = stillOnTheWay(message, at);
    takeStock();
  });

  function stillOnTheWay({ given }: WorkloadMessage, at: number): Set<Taken> {
    const newest = new Map(Object.entries(given).map(([partition, position]) => [Number(partition), BigInt(position)]));
    const isStill = ({ event, at: since }: Taken) => {
      if (event === undefined) return true;
      if (at - since > timeoutMs + AFTER_DEADLINE_MS) return false;
      return event.position > (newest.get(partitionOf(event.stream)) ?? -1n);
    };
    return new Set([...onTheWay].filter(isStill));
  }

  function takeStock() {
    counts = createWaitingCounts();
    paces.clear();
    for (const { message } of reports.values())
      for (const [modelKey, { waiting, perSecond = 0 }] of Object.entries(message.models)) {
        for (const [tenantId, count] of Object.entries(waiting)) counts.add(tenantId, modelKey, count);
        paces.set(modelKey, (paces.get(modelKey) ?? 0) + perSecond);
      }
    for (const { tenantId, modelKey } of onTheWay) counts.add(tenantId, modelKey, 1);
  }

  const workedOff = (perSecond: number) => Math.floor(perSecond * MOST_SECONDS_WAITED);

  /** A tenant alone keeps nobody from their turn while its own are worked off soon and a worker has room for them. */
  function queueOfAll({ others }: Waiting): number {
    if (others > 0) return mostOutstanding;
    const perSecond = [...paces.values()].reduce((sum, pace) => sum + pace, 0);
    return Math.max(mostOutstanding, Math.min(workedOff(perSecond), mostWaiting(mostOutstanding)));
  }

  const queueOf = (modelKey: string, queue: number) =>
    Math.min(queue, Math.max(leastForOne, workedOff(paces.get(modelKey) ?? 0)));

  function leave(taken: Taken) {
    if (onTheWay.delete(taken)) counts.add(taken.tenantId, taken.modelKey, -1);
  }

  return {
    close,
    admit(tenantId, modelKey) {
      const inAll = counts.inAll(tenantId);
      const queue = queueOfAll(inAll);
      requirePlace(inAll, queue, '');
      requirePlace(counts.forModel(tenantId, modelKey), queueOf(modelKey, queue), ' for this model');
      const taken: Taken = { tenantId, modelKey, at: now() };
      onTheWay.add(taken);
      counts.add(tenantId, modelKey, 1);
      return {
        written: (stream, position) => void (taken.event = { stream, position }),
        giveUp: () => leave(taken),
      };
    },
  };
}

function requirePlace(waiting: Waiting, queue: number, where: string): void {
  const refusal = refusalOf(waiting, queue);
  if (refusal === 'above-share')
    throw tooManyRequests(problems['too-many-requests'], {
      detail: `${waiting.own} of your inferences are waiting${where}, and ${shareOf(waiting, queue)} may; come again in a moment.`,
      retryAfterMs: RETRY_AFTER_MS,
    });
  if (refusal === 'full')
    throw new Problem(problems.overloaded, {
      detail: `${waiting.total} inferences are waiting${where}; come again in a moment.`,
      headers: { 'retry-after': String(RETRY_AFTER_MS / 1_000) },
    });
}
