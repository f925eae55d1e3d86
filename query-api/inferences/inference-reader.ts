// One inference as it is shown, now or once it has ended: for the routes that read it, and for the command that waits for
// what it began.

import type { InferenceView } from '#contracts/inference-answers.ts';
import { inferenceChannel } from '#events/live.ts';
import type { Contents } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { LiveChannel } from '#platform/live-channel/live-channel.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { createInferenceFinder, type FoundInference } from './find-inference.ts';
import { viewInference } from './inference-view.ts';
import { waitForEnd } from './wait-for-end.ts';

export interface ShownInference {
  readonly view: InferenceView;
  readonly revision: number;
  readonly ended: boolean;
}

/** Another tenant's inference is as good as absent: undefined. */
export interface InferenceReader {
  read(tenantId: string, id: string): Promise<ShownInference | undefined>;
  /** In the order of the ids; those that are absent are left out. */
  readAll(tenantId: string, ids: readonly string[]): Promise<ShownInference[]>;
  /** As it stands when it has ended, `waitMs` milliseconds are over, or the signal aborts. */
  waitFor(tenantId: string, id: string, waitMs: number, signal: AbortSignal): Promise<ShownInference | undefined>;
}

export interface InferenceReaderPorts {
  readonly store: Pick<EventStore, 'readStream'>;
  /** Inferences by id; undefined where the log answers for them alone. */
  readonly documents: Pick<ReadStore, 'get'> | undefined;
  readonly contents: Pick<Contents, 'open'>;
  readonly live: LiveChannel;
}

export function createInferenceReader({ store, documents, contents, live }: InferenceReaderPorts): InferenceReader {
  const find = createInferenceFinder(documents, store);

  const show = async (id: string, { state, revision }: FoundInference): Promise<ShownInference> => {
    const ended = state.status !== 'queued';
    const running = !ended && (await live.recent(inferenceChannel(id))).length > 0;
    return { view: await viewInference(id, state, running, contents), revision, ended };
  };

  const readAll: InferenceReader['readAll'] = async (tenantId, ids) => {
    const found = await find.of(tenantId, ids);
    return Promise.all(found.flatMap((one, i) => (one ? [show(ids[i] as string, one)] : [])));
  };

  return {
    readAll,
    read: async (tenantId, id) => (await readAll(tenantId, [id]))[0],
    async waitFor(tenantId, id, waitMs, signal) {
      let found: FoundInference | undefined;
      const look = async (isSaid: boolean) => {
        found = isSaid ? await find.inLog(tenantId, id) : (await find.of(tenantId, [id]))[0];
        return found?.state.status !== 'queued';
      };
      await waitForEnd(id, live, look, waitMs, signal);
      return found && show(id, found);
    },
  };
}
