import type { Service } from '#platform/service.ts';

export const GROUP = 'workers.mail';

const needs = ['store', 'bus', 'readStore', 'live', 'contents', 'serverKey', 'mail'] as const;

export const mailWorker: Service = {
  name: 'workers:mail',
  group: GROUP,
  needs,
  light: true,
  async start(use, { config, log, consumers, fail }) {
    const { serverKey, ...ports } = await use(needs);
    const { startMailWorker } = await import('./start.ts');
    const { publicUrlOf } = await import('./public-url.ts');
    const publicUrl = publicUrlOf(config);
    if (config.smtpUrl && config.publicUrl === undefined)
      log.warn({}, `PUBLIC_URL is not set: links in mails begin with ${publicUrl}, which only this machine can open.`);
    const worker = await startMailWorker({
      ports,
      serverKey,
      publicUrl,
      now: Date.now,
      log,
      observe: {
        done: (milliseconds) => consumers.handled(GROUP, 1, milliseconds / 1_000),
        retried: () => consumers.outcome(GROUP, 'retried', 1),
        parked: () => consumers.outcome(GROUP, 'parked', 1),
      },
    });
    void worker.failed.then(fail);
    return {
      lags: { [GROUP]: () => worker.lag() },
      // A mail server that is away holds up mails, and nobody's requests.
      waitsFor: () => null,
      stop: () => worker.stop(),
    };
  },
};
