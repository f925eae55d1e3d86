// One inference by id. It never waits for a projection: an ended one is read from its document where documents are kept,
// any other is folded from its stream, so what was acknowledged is seen at once.

import { type InferenceState, inferences } from '#events/inference.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { inferenceKey } from '../../projectors/inference/read-model.ts';

export type FoundInference = {
  readonly state: Exclude<InferenceState, { status: 'absent' }>;
  readonly revision: number;
};

export interface InferenceFinder {
  of(tenantId: string, ids: readonly string[]): Promise<(FoundInference | undefined)[]>;
  /** From its stream at once: for one that has ended this very moment, which no document tells yet. */
  inLog(tenantId: string, id: string): Promise<FoundInference | undefined>;
}

export function createInferenceFinder(
  documents: Pick<ReadStore, 'get'> | undefined,
  store: Pick<EventStore, 'readStream'>,
): InferenceFinder {
  const ownedBy = (tenantId: string, one: FoundInference | undefined) =>
    one?.state.request.tenantId === tenantId ? one : undefined;

  const fold = async (id: string): Promise<FoundInference | undefined> => {
    const events = await store.readStream(inferences.stream(id));
    const state = events.reduce(inferences.evolve, inferences.initial);
    return state.status === 'absent' ? undefined : { state, revision: events.length - 1 };
  };

  return {
    async of(tenantId, ids) {
      const kept = documents ? await documents.get(ids.map(inferenceKey)) : [];
      const found = await Promise.all(
        ids.map((id, i) => {
          const document = kept[i];
          const state = document?.value as FoundInference['state'] | null | undefined;
          const ended = document && state && state.status !== 'queued';
          return ended ? Promise.resolve({ state, revision: document.revision }) : fold(id);
        }),
      );
      return found.map((one) => ownedBy(tenantId, one));
    },
    inLog: async (tenantId, id) => ownedBy(tenantId, await fold(id)),
  };
}
