// Work waiting for one model. Tenants take turns, whatever each has waiting; a batch is made of items with the same
// parameters, filled from all tenants in turn.

export interface QueuedItem {
  readonly tenantId: string;
  /** Items with the same key may share a run. */
  readonly batchKey: string;
}

export interface FairQueue<Item extends QueuedItem> {
  readonly size: () => number;
  push(item: Item): void;
  /** The next batch: the oldest item of the tenant whose turn it is, and others like it, at most `max`. */
  take(max: number): Item[];
}

export function createFairQueue<Item extends QueuedItem>(): FairQueue<Item> {
  /** Tenant to batch key to items; the order of the maps is the order of turns. */
  const tenants = new Map<string, Map<string, Item[]>>();
  let size = 0;

  const shift = (tenantId: string, batchKey: string): Item | undefined => {
    const lanes = tenants.get(tenantId);
    const lane = lanes?.get(batchKey);
    const item = lane?.shift();
    if (lane?.length === 0) lanes?.delete(batchKey);
    tenants.delete(tenantId);
    if (lanes && lanes.size > 0) tenants.set(tenantId, lanes);
    if (item) size--;
    return item;
  };

  return {
    size: () => size,
    push(item) {
      const lanes = tenants.get(item.tenantId) ?? new Map<string, Item[]>();
      tenants.set(item.tenantId, lanes);
      const lane = lanes.get(item.batchKey) ?? [];
      lanes.set(item.batchKey, lane);
      lane.push(item);
      size++;
    },
    take(max) {
      const [turn] = tenants;
      const batchKey = turn?.[1].keys().next().value;
      if (batchKey === undefined) return [];
      const batch: Item[] = [];
      let taken = true;
      while (taken && batch.length < max) {
        taken = false;
        for (const [tenantId, lanes] of Array.from(tenants)) {
          if (batch.length === max) break;
          if (!lanes.has(batchKey)) continue;
          const item = shift(tenantId, batchKey);
          if (item) batch.push(item);
          taken = true;
        }
      }
      return batch;
    },
  };
}
