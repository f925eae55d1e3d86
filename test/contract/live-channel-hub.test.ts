import { openLiveHub } from '#platform/live-channel/live-hub.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { liveChannelContract } from './live-channel.contract.ts';

liveChannelContract('in one thread', async () => {
  const hub = openLiveHub({ log: createQuietLog() });
  return { speaker: hub, reader: hub, close: () => hub.close() };
});
