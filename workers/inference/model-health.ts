// Tells the log of a model whose runs fail time after time for reasons of its own, and of its next success. No run waits for
// it, and none is slowed: nearly all of them only reset a number.

import type { Origin } from '#events/create-event.ts';
import { type Model, models } from '#events/model.ts';
import { type EventStore } from '#platform/event-store/event-store.ts';
import { handleCommand } from '#platform/event-store/handle-command.ts';
import type { Snapshots } from '#platform/event-store/snapshots.ts';
import type { Log } from '#platform/logging/log.ts';
import type { RunResult } from '#platform/model-host/model-runtime.ts';
import { newId } from '#platform/new-id.ts';
import { Interrupted, persist } from '#platform/patience/persist.ts';
import { decideModelHealth } from './decide-health.ts';

/** So many runs in a row that failed make a model unhealthy. */
export const FAILURES_IN_A_ROW = 5;

/** Failures of the model or of its upstream, whatever it was asked. */
const BLAMED = new Set([
  'upstream-failed',
  'upstream-unavailable',
  'upstream-unauthorized',
  'upstream-malformed',
  'upstream-refused',
  'upstream-too-large',
  'model-load-failed',
  'runtime-crashed',
]);

/** What a run says of its model: that it works, by what failure it does not, or (undefined) nothing. */
export type RunVerdict = 'well' | { readonly failure: string } | undefined;

/** `hadItsTime`: whether the run was given all the time that the model may take. */
export function verdictOf(results: readonly RunResult[], hadItsTime: boolean): RunVerdict {
  if (results.some(({ ok }) => ok)) return 'well';
  for (const result of results) {
    if (result.ok) continue;
    const { code } = result.error;
    if (BLAMED.has(code) || (code === 'timeout' && hadItsTime)) return { failure: code };
  }
  return undefined;
}

export interface ModelHealthOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly snapshots: Snapshots;
  readonly log: Log;
  /** Gives up what is yet to be told. */
  readonly signal: AbortSignal;
}

type Ran = Pick<Model, 'owner' | 'revision' | 'unhealthySince'> & { readonly definition: { readonly name: string } };

interface Known {
  readonly revision: number;
  failures: number;
  /** What was last told of it from here, or is being told. */
  told: 'unhealthy' | 'well' | undefined;
}

export interface ModelHealth {
  ran(model: Ran, verdict: RunVerdict): void;
}

export function createModelHealth({ store, snapshots, log, signal }: ModelHealthOptions): ModelHealth {
  const known = new Map<string, Known>();
  let telling: Promise<void> = Promise.resolve();

  async function tell({ owner, revision, definition: { name } }: Ran, failure: string | undefined): Promise<void> {
    const stream = models.stream(owner, name);
    const command = newId();
    const origin: Origin = {
      eventId: newId(),
      commandId: command,
      tenantId: owner,
      actor: { kind: 'system', id: 'workers:inference' },
      correlationId: command,
    };
    const { outcome } = await persist(
      () =>
        handleCommand({
          store,
          snapshots,
          stream,
          decider: models,
          decide: (state) => decideModelHealth({ failure, revision, origin }, state),
        }),
      signal,
      (err) => log.warn({ err, owner, model: name }, 'the health of a model cannot be told, trying again'),
    );
    if (outcome !== 'appended') return;
    if (failure === undefined) log.info({ owner, model: name }, 'a model works again');
    else log.warn({ owner, model: name, failure }, 'a model fails time after time');
  }

  function begin(model: Ran, failure: string | undefined): void {
    telling = telling
      .then(() => tell(model, failure))
      .catch((err: unknown) => {
        if (!(err instanceof Interrupted)) log.error({ err }, 'the health of a model could not be told');
      });
  }

  function knownOf({ owner, revision, definition: { name } }: Ran): Known {
    const key = `${owner}/${name}`;
    const before = known.get(key);
    if (before?.revision === revision) return before;
    const now: Known = { revision, failures: 0, told: undefined };
    known.set(key, now);
    return now;
  }

  return {
    ran(model, verdict) {
      if (verdict === undefined) return;
      const one = knownOf(model);
      if (verdict === 'well') {
        one.failures = 0;
        // Another worker may have told of it; what this one has told of is not told again while the model is read as it was.
        const isUnhealthy = one.told === 'unhealthy' || (one.told === undefined && model.unhealthySince !== undefined);
        if (!isUnhealthy) return;
        one.told = 'well';
        begin(model, undefined);
        return;
      }
      one.failures += 1;
      if (one.failures < FAILURES_IN_A_ROW || one.told === 'unhealthy') return;
      one.told = 'unhealthy';
      begin(model, verdict.failure);
    },
  };
}
