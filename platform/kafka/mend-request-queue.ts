// kafkajs 2.2.4 sets a timer for each connection that is due at once, for ever: on Node 24 it wakes up every millisecond
// and prints TimeoutNegativeWarning (kafkajs #1751). A check is only needed while requests wait.

import { createRequire } from 'node:module';

interface RequestQueue {
  pending: readonly unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

const CHECK_EVERY_MS = 10;

const load = createRequire(import.meta.url);
const { prototype } = load('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };

if (typeof prototype.scheduleCheckPendingRequests !== 'function') {
  throw new TypeError('this kafkajs is not the one whose request queue is mended here');
}

prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    Math.max(this.throttledUntil - Date.now(), CHECK_EVERY_MS),
  );
};
