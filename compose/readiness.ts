// Whether each service is ready, as the services themselves say it on the live channel. One that says nothing for a while
// is not.

import type { ReadinessCheck } from '#platform/http/ops-routes.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { BackgroundService } from './service-wiring.ts';

const channelOf = (instance: string) => `service-readiness:${instance}`;
const SAY_EVERY_MS = 250;
const SILENT_AFTER_MS = 5_000;

interface ReadinessMessage {
  readonly service: BackgroundService;
  /** What it waits for; null when it is ready. */
  readonly waitsFor: string | null;
}

/** Says again and again what `waitsFor` answers. Returns what ends it. */
export function sayReadiness(
  live: Pick<LiveChannel, 'publish'>,
  instance: string,
  service: BackgroundService,
  waitsFor: () => string | null,
): () => void {
  const say = () => {
    const message: ReadinessMessage = { service, waitsFor: waitsFor() };
    live.publish(channelOf(instance), message, { keep: false });
  };
  say();
  const timer = setInterval(say, SAY_EVERY_MS);
  return () => clearInterval(timer);
}

/** A check for each service that says why it is not ready. */
export function watchReadiness(
  live: Pick<LiveChannel, 'subscribe'>,
  instance: string,
  now: () => number = () => performance.now(),
) {
  const heard = new Map<BackgroundService, { readonly waitsFor: string | null; readonly at: number }>();
  const close = live.subscribe(channelOf(instance), ({ value }) => {
    const { service, waitsFor } = value as ReadinessMessage;
    heard.set(service, { waitsFor, at: now() });
  });
  return {
    close,
    checkOf(service: BackgroundService, isRunning: () => boolean): ReadinessCheck {
      return () => {
        if (!isRunning()) throw new Error('it failed and is being started anew');
        const last = heard.get(service);
        if (!last || now() - last.at > SILENT_AFTER_MS) throw new Error('it says nothing');
        if (last.waitsFor !== null) throw new Error(last.waitsFor);
      };
    },
  };
}
