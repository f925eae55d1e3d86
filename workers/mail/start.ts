// The mail worker: from the log of people and their parts in tenants to their mailboxes.

import type { KeyObject } from 'node:crypto';
import { snapshotShapeOf, topicOf } from '#events/aggregates.ts';
import { letterRequestOf, projections } from '#events/projection.ts';
import { letterLanguage } from '#events/parked-letter.ts';
import { users } from '#events/user.ts';
import { startLetterReports } from '#platform/bus/letter-reports.ts';
import { letterRequestsInLog } from '#platform/bus/letter-requests.ts';
import { createSnapshots } from '#platform/event-store/snapshots.ts';
import type { Log } from '#platform/logging/log.ts';
import { newId } from '#platform/new-id.ts';
import type { Ports } from '#platform/platform.ts';
import { onVersionsChanged } from '#platform/projection/version-directory.ts';
import { type RunningWorker, startWorker, type WorkerOptions } from '#platform/worker/start-worker.ts';
import { createMailFacts } from './mail-facts.ts';
import { createMailOfEvent, mayBeMailed } from './mail-of-event.ts';
import { GROUP } from './service.ts';

export interface MailWorkerOptions extends Pick<WorkerOptions, 'patience' | 'observe'> {
  readonly ports: Pick<Ports, 'store' | 'bus' | 'readStore' | 'live' | 'contents' | 'mail'>;
  readonly serverKey: KeyObject;
  /** Where links begin, without a slash at its end. */
  readonly publicUrl: string;
  readonly now: () => number;
  readonly log: Log;
}

export async function startMailWorker({ ports, log, ...options }: MailWorkerOptions): Promise<RunningWorker> {
  const { store, bus, readStore, live, contents, mail } = ports;
  const facts = createMailFacts({ store, contents, snapshots: createSnapshots(readStore, snapshotShapeOf, log) });
  const mailOf = createMailOfEvent({ facts, ...options });
  const letterReports = startLetterReports({ store, language: letterLanguage('workers:mail', newId), log });
  const worker = await startWorker({
    group: GROUP,
    topics: [users.topic],
    bus,
    store,
    readStore,
    topicOf,
    concerns: mayBeMailed,
    async work(event) {
      const message = await mailOf(event);
      if (message) await mail.send(message);
    },
    letterRequests: letterRequestsInLog(store, projections.stream(GROUP), letterRequestOf, (listener) =>
      onVersionsChanged(live, listener),
    ),
    letterReports,
    log,
    ...options,
  });
  return {
    ...worker,
    async stop() {
      await worker.stop();
      await letterReports.stop();
    },
  };
}
