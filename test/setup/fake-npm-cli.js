// Stands for npm in the tests of cli/setup.mjs: does to node_modules what npm would, without a network.
// FAKE_NPM says how: `works`, `fails`, `hangs` (after it has deleted node_modules), or a Node version to bring.

import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';

const [verb] = process.argv.slice(2);
const how = process.env.FAKE_NPM;
appendFileSync('npm-calls.log', `${process.argv.slice(2).join(' ')}\n`);

if (verb === 'ci') {
  rmSync('node_modules', { recursive: true, force: true });
  if (how === 'fails') process.exit(7);
  if (how === 'hangs') {
    const parent = process.ppid;
    // Not beyond the one who started it: a test that kills that one leaves nothing behind.
    while (process.ppid === parent) await new Promise((resolve) => setTimeout(resolve, 20));
    process.exit(1);
  }
  mkdirSync('node_modules/.bin', { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 300));
  writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: {} }));
}
if (verb === 'rebuild') {
  const version = how === 'works' ? 'v24.99.0' : how;
  writeFileSync('node_modules/.bin/node', `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
}
