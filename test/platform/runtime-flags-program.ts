// Begins anew with the program's flag, and prints what it runs with and how far a thread's young generation grows.

import { once } from 'node:events';
import { getHeapSpaceStatistics } from 'node:v8';
import { isMainThread, Worker } from 'node:worker_threads';
import { withRuntimeFlags } from '#platform/lifecycle/runtime-flags.ts';

/** Bytes, at most, while much is made that lives for a while. */
function grow(): number {
  const kept: object[][] = [];
  let most = 0;
  for (let round = 0; round < 60; round += 1) {
    kept.push(Array.from({ length: 100_000 }, (_, n) => ({ n })));
    if (kept.length > 12) kept.shift();
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    most = Math.max(most, young?.space_size ?? 0);
  }
  return most;
}

if (isMainThread) {
  withRuntimeFlags();
  const { pid, execArgv, argv } = process;
  console.log(JSON.stringify({ pid, execArgv, args: argv.slice(2) }));
  await once(new Worker(new URL(import.meta.url)), 'exit');
} else {
  console.log(JSON.stringify({ grown: grow() }));
}
