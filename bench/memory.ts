// Whether memory is flat: `node bench/memory.ts [requests]` sends 100,000 requests through Defter and samples its memory.

import autocannon from 'autocannon';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDefter } from '../test/support/start-defter.ts';

const requests = Number(process.argv[2] ?? 100_000);
const steps = 10;
const body = JSON.stringify({ model: 'language-id', input: 'Günaydın, bugün hava çok güzel ve deniz sakin.' });

const folder = mkdtempSync(join(tmpdir(), 'defter-bench-'));
const key = randomBytes(24).toString('hex');
const server = await startDefter(folder, { API_KEY: key });
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1_024;

console.log(`before: ${rss().toFixed(0)} MiB`);
let refused = 0;
for (let step = 1; step <= steps; step++) {
  const result = await autocannon({
    url: `${server.url}/v1/inferences`,
    connections: 64,
    amount: requests / steps,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body,
  });
  refused += result.non2xx;
  console.log(
    `after ${(step * requests) / steps} requests: ${rss().toFixed(0)} MiB, ${result.requests.average.toFixed(0)}/s`,
  );
}
console.log(`not accepted: ${refused}`);
await server.stop();
rmSync(folder, { recursive: true });
