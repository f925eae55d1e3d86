// Several services on one thread, over ports that they share, each supervised by itself: one that fails is started anew
// beside the others. What that does not mend may lie with the ports: it is the thread's failure, and so is the failure of a
// service that is alone.

import type { Standing } from '#events/standing.ts';
import type { OnThread } from '#platform/lifecycle/service-thread-messages.ts';
import { type Supervisable, supervise, type SuperviseOptions } from '#platform/lifecycle/supervise.ts';
import { withFields } from '#platform/logging/log.ts';
import { within } from '#platform/patience/within.ts';
import type { Platform } from '#platform/platform.ts';
import type { RunningService, Service } from '#platform/service.ts';
import { startService, type StartServiceTools } from './start-service.ts';

/** How often in a row a service is started anew before the ports are taken for the cause. */
const MOST_FAILURES = 5;

/** Resolves when all work; rejects, with none left running, when one cannot be started. */
export async function runTogether(
  services: readonly Service<Standing>[],
  use: Platform['use'],
  tools: StartServiceTools,
  patience: Pick<SuperviseOptions, 'firstWaitMs' | 'longestWaitMs' | 'stopGraceMs'> = {},
): Promise<OnThread> {
  const several = services.length > 1;
  const supervised = services.map(async (service) => {
    const log = several ? withFields(tools.log, { service: service.name }) : tools.log;
    const one = await supervise(() => startOne(service, use, { ...tools, log }), {
      ...patience,
      name: service.name,
      log: tools.log,
      mostFailures: several ? MOST_FAILURES : 0,
    });
    void one.failed.then(tools.fail);
    return { name: service.name, one };
  });
  const started = await Promise.allSettled(supervised);
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const stop = async () => void (await Promise.all(running.map(({ one }) => one.stop(Infinity))));
  const fault = started.find((each) => each.status === 'rejected');
  if (fault) {
    await stop();
    throw fault.reason;
  }
  return {
    waitsFor: () => Object.fromEntries(running.map(({ name, one }) => [name, waitsFor(one.running())])),
    stop,
  };
}

const waitsFor = (running: Pick<RunningService, 'waitsFor'> | undefined) =>
  running ? running.waitsFor() : 'it failed and is being started anew';

async function startOne(
  service: Service<Standing>,
  use: Platform['use'],
  tools: StartServiceTools,
): Promise<Omit<RunningService, 'stop'> & Supervisable> {
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const running = await startService(service, use, { ...tools, fail });
  return {
    ...running,
    failed,
    stop: (graceMs) =>
      within(graceMs, running.stop(), () => new Error(`${service.name} did not stop within ${graceMs} ms`)),
  };
}
