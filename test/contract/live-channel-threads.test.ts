import { startHubThread } from '../support/live-threads.ts';
import { liveChannelContract } from './live-channel.contract.ts';

liveChannelContract('across threads', async () => {
  const hub = startHubThread();
  return { speaker: await hub.connect(), reader: await hub.connect(), close: () => hub.close() };
});
