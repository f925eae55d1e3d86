import { setTimeout as sleep } from 'node:timers/promises';
import { openRedisAttempts } from '#platform/attempts/redis-attempts.ts';
import { describeOn } from '../services/describe-on.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { redisNamespace } from '../support/redis-namespace.ts';
import { attemptsContract, TEST_RULES } from './attempts.contract.ts';

describeOn(['redis'], 'attempts over the network', (env) => {
  attemptsContract('Redis', async () => {
    const url = env['REDIS_URL'] ?? '';
    const { namespace, remove } = redisNamespace(url);
    const attempts = await openRedisAttempts({ url, namespace, log: createQuietLog() }, TEST_RULES);
    return {
      attempts,
      advance: (ms) => sleep(ms),
      async close() {
        await attempts.close();
        await remove();
      },
    };
  });
});
