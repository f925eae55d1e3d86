// Logs lines to standard output until told to stop, then closes its logging and says on standard error how that went.

import { openLogging } from '#platform/logging/open-logging.ts';

const rotation = { maxBytes: 1e6, files: 1, maxAgeMs: 1e9 };
const logging = await openLogging({ service: 'test', level: 'info', dir: process.argv[2] ?? null, rotation });
const lines = Number(process.argv[3]);
const pad = 'x'.repeat(1000);
for (let i = 0; i < lines; i += 1) logging.log.info({ i, pad }, 'Line.');
process.stderr.write('written\n');
process.on('SIGTERM', () => {
  const startedAt = performance.now();
  void logging.close().then(() => {
    process.stderr.write(`closed ${performance.now() - startedAt < 5_000}\n`);
    process.exit(0);
  });
});
let turns = 0;
setInterval(() => {
  turns += 1;
  if (turns === 5) process.stderr.write('turning\n');
  logging.log.info({ turns }, 'Still here.');
}, 10);
