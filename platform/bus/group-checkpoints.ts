import type { ReadStore } from '../read-store/read-store.ts';
import type { Positions } from '../positions.ts';

/** Where the bus keeps the positions of groups that do not keep their own. Losing the last few is harmless. */
export interface GroupCheckpoints {
  load(group: string): Promise<Positions>;
  save(group: string, positions: Positions): Promise<void>;
}

/**
 * Keeps them in the read store, as a projection without documents: it is there already and durable, and if it is lost
 * the groups begin again, which they must bear anyway.
 */
export const checkpointsInReadStore = (store: Pick<ReadStore, 'apply' | 'positions'>): GroupCheckpoints => ({
  load: (group) => store.positions(`group:${group}`),
  save: async (group, positions) => {
    await store.apply([], { projection: `group:${group}`, positions });
  },
});
