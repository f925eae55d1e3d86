// Keeps models in memory on behalf of everyone who runs them: each is loaded once however many ask at the same time,
// the memory of all stays within a budget (the least recently used idle one goes first), a changed definition is loaded
// anew, and a model that broke is thrown away. It does not queue or batch runs; callers do.

import type { KeyedAdapters } from '../keyed-adapters.ts';
import type { Log } from '../logging/log.ts';
import { createMemoryBudget } from './memory-budget.ts';
import { type LoadedModel, ModelLoadError } from './model-runtime.ts';
import type { ModelRuntime, ModelSpec, RunError, RunItem, RunOptions, RunResult } from './model-runtime.ts';
import { atMost } from '../patience/within.ts';
import { NamedError } from '../errors.ts';

export interface ModelHost {
  /**
   * One result per item, in order; never rejects. Loads the model first when it must; that time counts towards
   * `options.deadlineMs`. Beyond the runtimes' own codes: `model-load-failed`, `model-host-full`, `runtime-crashed`,
   * `model-host-closed`, `timeout`.
   */
  run(spec: ModelSpec, items: readonly RunItem[], options: RunOptions): Promise<RunResult[]>;
  loaded(): LoadedModelInfo[];
  /** Ends everything that runs and closes the models and the runtimes given. */
  close(): Promise<void>;
}

export interface LoadedModelInfo {
  readonly key: string;
  readonly revision: number;
  /** Held, or set aside while loading. */
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly lastUsed: number;
  /** `retiring`: replaced by a newer revision, ends with its last run. */
  readonly state: 'loading' | 'idle' | 'running' | 'retiring';
}

export interface ModelHostOptions {
  /** By the names that definitions of models give them. */
  readonly runtimes: KeyedAdapters<ModelRuntime>;
  readonly memoryBudgetBytes: number;
  readonly log: Log;
  /** How long a failed load is answered from memory, in milliseconds. */
  readonly loadBackoffMs?: number;
  /** How long a load waits for running models to make room, in milliseconds. */
  readonly roomWaitMs?: number;
}

interface Entry {
  readonly spec: ModelSpec;
  readonly ready: Promise<LoadedModel>;
  /** Set once loaded. */
  model?: LoadedModel;
  bytes: number;
  running: number;
  lastUsed: number;
  retiring: boolean;
  closed: boolean;
  /** Set by a failed load: until then (milliseconds since the epoch) nobody tries again. */
  failedUntil?: number;
}

class ModelHostFullError extends NamedError {}

export function openModelHost(options: ModelHostOptions): ModelHost {
  const { runtimes, log, memoryBudgetBytes, loadBackoffMs = 1_000, roomWaitMs = 5_000 } = options;
  /** The entry that serves each key now. */
  const current = new Map<string, Entry>();
  /** Every entry that holds memory, replaced ones that still run included. */
  const holding = new Set<Entry>();
  const closings = new Set<Promise<void>>();
  const budget = createMemoryBudget({ limitBytes: memoryBudgetBytes, held, evictOne });
  let closed = false;

  function held(): number {
    return [...holding].reduce((sum, entry) => sum + entry.bytes, 0);
  }

  /** Closes the least recently used idle model; undefined when every model runs or loads. */
  function evictOne(): Promise<void> | undefined {
    let oldest: Entry | undefined;
    for (const entry of holding) {
      if (!entry.model || entry.running > 0 || entry.bytes === 0 || entry.closed) continue;
      if (!oldest || entry.lastUsed < oldest.lastUsed) oldest = entry;
    }
    if (!oldest) return undefined;
    log.info({ model: oldest.spec.key, bytes: oldest.bytes }, 'A model is unloaded to make room.');
    return discard(oldest);
  }

  /** Takes an entry out of service and frees its memory. */
  function discard(entry: Entry): Promise<void> {
    if (current.get(entry.spec.key) === entry) current.delete(entry.spec.key);
    if (entry.closed) return Promise.resolve();
    entry.closed = true;
    const closing = closeModel(entry).finally(() => closings.delete(closing));
    closings.add(closing);
    return closing;
  }

  async function closeModel(entry: Entry): Promise<void> {
    try {
      await entry.model?.close();
    } catch (err) {
      log.error({ model: entry.spec.key, err }, 'A model could not be closed.');
    }
    holding.delete(entry);
    budget.roomFreed();
  }

  function retire(entry: Entry): void {
    entry.retiring = true;
    if (entry.model && entry.running === 0) void discard(entry);
  }

  function find(spec: ModelSpec): Entry {
    const entry = current.get(spec.key);
    if (entry && serves(entry, spec)) {
      if (entry.failedUntil === undefined || entry.failedUntil > Date.now()) return entry;
    }
    if (entry) retire(entry);
    const ready = Promise.withResolvers<LoadedModel>();
    // Whoever waits for it handles its failure; nobody may be waiting any more.
    ready.promise.catch(() => undefined);
    const fresh: Entry = {
      spec,
      ready: ready.promise,
      bytes: 0,
      running: 0,
      lastUsed: Date.now(),
      retiring: false,
      closed: false,
    };
    current.set(spec.key, fresh);
    holding.add(fresh);
    load(fresh).then(ready.resolve, (error: unknown) => {
      fresh.failedUntil = Date.now() + (error instanceof ModelHostFullError ? 0 : loadBackoffMs);
      holding.delete(fresh);
      budget.roomFreed();
      log.warn({ model: spec.key, revision: spec.revision, err: error }, 'A model could not be loaded.');
      ready.reject(error);
    });
    return fresh;
  }

  async function load(entry: Entry): Promise<LoadedModel> {
    const { spec } = entry;
    const runtime = await runtimes.get(spec.runtime);
    if (!runtime) throw new ModelLoadError(`there is no runtime ${spec.runtime}`);
    await makeRoom(entry, (await runtime.estimateBytes?.(spec)) ?? 0);
    const model = await runtime.load(spec);
    try {
      if (closed) throw new ModelLoadError('the host was closed', true);
      await makeRoom(entry, model.bytes);
    } catch (error) {
      await model.close();
      throw error;
    }
    entry.model = model;
    void model.broken?.then(() => discard(entry));
    if (entry.retiring && entry.running === 0) void discard(entry);
    return model;
  }

  /** Counts `bytes` for the entry once they fit. */
  async function makeRoom(entry: Entry, bytes: number): Promise<void> {
    if (bytes > memoryBudgetBytes) {
      throw new ModelLoadError(`it needs ${bytes} bytes of a memory budget of ${memoryBudgetBytes}`);
    }
    const got = await budget.take(bytes - entry.bytes, roomWaitMs, () => {
      entry.bytes = bytes;
    });
    if (!got) throw new ModelHostFullError('every model in memory is running');
  }

  async function run(spec: ModelSpec, items: readonly RunItem[], runOptions: RunOptions): Promise<RunResult[]> {
    if (closed) return failAll(items, hostClosed);
    const until = performance.now() + runOptions.deadlineMs;
    const entry = find(spec);
    entry.running += 1;
    entry.lastUsed = Date.now();
    try {
      const model = entry.model ?? (await atMost(until - performance.now(), entry.ready));
      if (!model) return failAll(items, loadTimedOut);
      return await runLoaded(entry, model, items, { ...runOptions, deadlineMs: until - performance.now() });
    } catch (error) {
      return failAll(items, closed ? hostClosed : loadError(error));
    } finally {
      entry.running -= 1;
      entry.lastUsed = Date.now();
      if (entry.running === 0) {
        if (entry.retiring && entry.model) void discard(entry);
        else budget.roomFreed();
      }
    }
  }

  async function runLoaded(
    entry: Entry,
    model: LoadedModel,
    items: readonly RunItem[],
    runOptions: RunOptions,
  ): Promise<RunResult[]> {
    try {
      return await model.run(items, runOptions);
    } catch (err) {
      if (closed) return failAll(items, hostClosed);
      log.error({ model: entry.spec.key, items: items.length, err }, 'A model broke while it ran.');
      void discard(entry);
      return failAll(items, crashed);
    }
  }

  return {
    run,

    loaded() {
      return [...holding].map((entry) => ({
        key: entry.spec.key,
        revision: entry.spec.revision,
        bytes: entry.bytes,
        lastUsed: entry.lastUsed,
        state: stateOf(entry),
      }));
    },

    async close() {
      closed = true;
      budget.close();
      // A load that is under way fails when its runtime closes.
      await Promise.all([...holding].filter((entry) => entry.model).map(discard));
      await runtimes.close();
      await Promise.all(closings);
    },
  };
}

/** An older definition than the loaded one is a late caller: the newer one answers it. A new secret is a new definition. */
function serves(entry: Entry, spec: ModelSpec): boolean {
  if (spec.revision < entry.spec.revision) return true;
  return spec.revision === entry.spec.revision && spec.secret === entry.spec.secret;
}

function stateOf(entry: Entry): LoadedModelInfo['state'] {
  if (!entry.model) return 'loading';
  if (entry.retiring || entry.closed) return 'retiring';
  return entry.running > 0 ? 'running' : 'idle';
}

const hostClosed: RunError = { code: 'model-host-closed', message: 'The server is stopping.', retriable: true };
const crashed: RunError = { code: 'runtime-crashed', message: 'The model broke while it ran.', retriable: true };
const loadTimedOut: RunError = {
  code: 'timeout',
  message: 'The model was not loaded before the deadline.',
  retriable: true,
};

/** The log has the reason; it may hold paths and is not for callers. */
function loadError(error: unknown): RunError {
  if (error instanceof ModelHostFullError) {
    return { code: 'model-host-full', message: 'No memory is free to load the model now.', retriable: true };
  }
  const retriable = !(error instanceof ModelLoadError) || error.retriable;
  return { code: 'model-load-failed', message: 'The model could not be loaded.', retriable };
}

function failAll(items: readonly RunItem[], error: RunError): RunResult[] {
  return items.map(() => ({ ok: false, error }));
}
