// A service for the tests: `wiring.behave` says what it does.

import type { MessagePort } from 'node:worker_threads';
import type { StartServices } from '#platform/lifecycle/service-thread-messages.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';

export interface Wiring {
  readonly behave: 'well' | 'fail-start' | 'hang-start' | 'hang-stop' | 'leak';
  /** Echoes what it is sent, or does it: `crash`, `report`, `exit`. */
  readonly port: MessagePort;
}

export const startServices: StartServices<Wiring> = async ({ behave, port }, { log, metrics, fail }) => {
  if (behave === 'fail-start') throw Object.assign(new Error('no disk'), { code: 'no-disk', retriable: true });
  if (behave === 'hang-start') await new Promise(() => undefined);
  createHttpMetrics(metrics).answered('GET', '/here', 200, 0.1);
  log.info({ behave }, 'Started.');
  port.on('message', (message: unknown) => {
    if (message === 'crash') throw new Error('crashed');
    if (message === 'exit') process.exit(3);
    if (message === 'report') fail(Object.assign(new Error('reported'), { code: 'gone' }));
    port.postMessage({ echo: message });
  });
  if (behave === 'leak') setInterval(() => undefined, 1_000);
  return {
    waitsFor: () => ({ one: null, other: 'something' }),
    async stop() {
      if (behave === 'hang-stop') await new Promise(() => undefined);
      port.close();
      log.info({}, 'Stopped.');
    },
  };
};
