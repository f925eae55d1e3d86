import { workerData, type MessagePort } from 'node:worker_threads';
import { connectLog } from '#platform/logging/thread-log.ts';

const log = connectLog((workerData as { port: MessagePort }).port, 'info');
log.debug({}, 'Not posted.');
log.info({ apiKey: 'hidden', position: 12n, correlationId: 'c-1' }, 'From a thread.');
log.error({ err: new Error('in a thread', { cause: new TypeError('deeper') }) }, 'Broken there.');
