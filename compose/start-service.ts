import type { Standing } from '#events/standing.ts';
import type { ConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import type { Platform } from '#platform/platform.ts';
import type { RunningService, Service, ServiceTools } from '#platform/service.ts';

export interface StartServiceTools extends ServiceTools<Standing> {
  readonly consumers: ConsumerMetrics;
}

/** Starts a service and has its lags measured as long as it runs. */
export async function startService(
  service: Service<Standing>,
  use: Platform['use'],
  tools: StartServiceTools,
): Promise<RunningService> {
  const running = await service.start(use, tools);
  const watches = Object.entries(running.lags).map(([group, lag]) => tools.consumers.watchLag(group, lag));
  return {
    ...running,
    async stop() {
      for (const end of watches) end();
      await running.stop();
    },
  };
}
