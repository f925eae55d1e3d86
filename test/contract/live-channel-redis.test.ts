import { openRedisLiveChannel } from '#platform/live-channel/redis-live-channel.ts';
import { describeOn } from '../services/describe-on.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { redisNamespace } from '../support/redis-namespace.ts';
import { liveChannelContract } from './live-channel.contract.ts';

describeOn(['redis'], 'live channel over the network', (env) => {
  const start = (handles: 1 | 2) => async () => {
    const url = env['REDIS_URL'] ?? '';
    const { namespace, remove } = redisNamespace(url);
    const open = () => openRedisLiveChannel({ url, namespace, log: createQuietLog() });
    const speaker = await open();
    const reader = handles === 2 ? await open() : speaker;
    return {
      speaker,
      reader,
      async close() {
        await speaker.close();
        await reader.close();
        await remove();
      },
    };
  };
  liveChannelContract('Redis, between two processes', start(2));
  liveChannelContract('Redis, within one process', start(1));
});
