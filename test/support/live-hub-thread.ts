// A thread that holds a live hub and hands out ports to it.

import { parentPort } from 'node:worker_threads';
import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import { createQuietLog } from './quiet-log.ts';

const hub = openLiveHub({ log: createQuietLog() });
parentPort?.on('message', () => {
  const port = hub.connect();
  parentPort?.postMessage(port, [port]);
});
