// What Defter adds to a model's own time, one request at a time: `node bench/latency.ts [requests]`. The model is called
// directly, loaded in a thread as Defter loads it, and then through the API: from the 202 until the result has been read
// with `?wait`.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'undici';
import type { Log } from '#platform/logging/log.ts';
import { openTensorflowRuntime } from '#platform/model-host/tensorflow-runtime.ts';
import { modelsFolder } from '#platform/platform.ts';
import { startDefter } from '../test/support/start-defter.ts';

const requests = Number(process.argv[2] ?? 500);
const input = 'Günaydın, bugün hava çok güzel ve deniz sakin.';
const silent: Log = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error };

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
const shown = (values: readonly number[]) =>
  `p50 ${at(values, 0.5).toFixed(2)} ms, p99 ${at(values, 0.99).toFixed(2)} ms`;

async function direct(): Promise<number[]> {
  const runtime = openTensorflowRuntime({ modelsFolder, log: silent });
  const spec = { key: 'bench', revision: 0, runtime: 'tensorflow', source: 'language-id', options: {} };
  const model = await runtime.load(spec);
  const times: number[] = [];
  for (let n = 0; n < requests + 50; n++) {
    const began = performance.now();
    await model.run([{ id: 'one', input }], { parameters: {}, deadlineMs: 10_000 });
    if (n >= 50) times.push(performance.now() - began);
  }
  await runtime.close();
  return times;
}

async function throughDefter(): Promise<{ accepted: number[]; result: number[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'defter-bench-'));
  const key = randomBytes(24).toString('hex');
  const server = await startDefter(folder, { API_KEY: key });
  // One kept connection and no more client than needed: its time is part of what is measured.
  const client = new Client(server.url);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const submission = JSON.stringify({ model: 'language-id', input });
  const submit = async () => {
    const { body } = await client.request({ method: 'POST', path: '/v1/inferences', headers, body: submission });
    return ((await body.json()) as { id: string }).id;
  };
  const statusOf = async (id: string) => {
    const { body } = await client.request({ method: 'GET', path: `/v1/inferences/${id}?wait=30s`, headers });
    return ((await body.json()) as { status: string }).status;
  };
  const accepted: number[] = [];
  const result: number[] = [];
  for (let n = 0; n < requests + 50; n++) {
    const began = performance.now();
    const id = await submit();
    const answered = performance.now();
    const status = await statusOf(id);
    if (status !== 'completed') throw new Error(`it ended as ${status}`);
    if (n < 50) continue;
    accepted.push(answered - began);
    result.push(performance.now() - answered);
  }
  await client.close();
  await server.stop();
  rmSync(folder, { recursive: true });
  return { accepted, result };
}

const alone = await direct();
const { accepted, result } = await throughDefter();
console.log(`the model itself:            ${shown(alone)}`);
console.log(`request to 202:              ${shown(accepted)}`);
console.log(`202 to result read:          ${shown(result)}`);
console.log(`added to the model, p50:     ${(at(result, 0.5) - at(alone, 0.5)).toFixed(2)} ms (goal at most 5)`);
