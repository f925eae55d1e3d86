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
  /** It was told from here that it fails, and nothing of it since. */
  saidUnhealthy: boolean;
  /** Since when it had failed when its end was told from here: read once more, that is not news. */
  endToldOf: number | undefined;
  /** What is told last, until that is told. */
  telling: 'unhealthy' | 'well' | undefined;
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

  function begin(model: Ran, one: Known, failure: string | undefined): void {
    const what = failure === undefined ? 'well' : 'unhealthy';
    if (one.telling === what) return;
    one.telling = what;
    telling = telling
      .then(() => tell(model, failure))
      .catch((err: unknown) => {
        // The next success tells of it again.
        one.endToldOf = undefined;
        if (!(err instanceof Interrupted)) log.error({ err }, 'the health of a model could not be told');
      })
      .finally(() => {
        if (one.telling === what) one.telling = undefined;
      });
  }

  function knownOf({ owner, revision, definition: { name } }: Ran): Known {
    const key = `${owner}/${name}`;
    const before = known.get(key);
    if (before?.revision === revision) return before;
    const now: Known = { revision, failures: 0, saidUnhealthy: false, endToldOf: undefined, telling: undefined };
    known.set(key, now);
    return now;
  }

  return {
    ran(model, verdict) {
      if (verdict === undefined) return;
      const one = knownOf(model);
      const { unhealthySince } = model;
      // Another worker may have told of it; what this one has told the end of may be read as it was for a while.
      const isReadUnhealthy = unhealthySince !== undefined && unhealthySince !== one.endToldOf;
      if (verdict === 'well') {
        one.failures = 0;
        if (!one.saidUnhealthy && !isReadUnhealthy) return;
        one.saidUnhealthy = false;
        one.endToldOf = unhealthySince;
        begin(model, one, undefined);
        return;
      }
      one.failures += 1;
      if (one.failures < FAILURES_IN_A_ROW) return;
      // As many again tell it again, unless it is read as failing by then: another worker may have told its end.
      one.failures = 0;
      if (isReadUnhealthy) return;
      one.saidUnhealthy = true;
      begin(model, one, verdict.failure);
    },
  };
}
