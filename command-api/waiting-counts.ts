// How many inferences wait: of each tenant, in all and for each model.

import type { Waiting } from './fair-share.ts';

export interface WaitingCounts {
  /** `count` may be negative, of what was added before. */
  add(tenantId: string, modelKey: string, count: number): void;
  inAll(tenantId: string): Waiting;
  forModel(tenantId: string, modelKey: string): Waiting;
}

interface Count {
  total: number;
  readonly byTenant: Map<string, number>;
}

const createCount = (): Count => ({ total: 0, byTenant: new Map() });
const NONE = createCount();

export function createWaitingCounts(): WaitingCounts {
  const all = createCount();
  const byModel = new Map<string, Count>();

  return {
    add(tenantId, modelKey, count) {
      const ofModel = byModel.get(modelKey) ?? createCount();
      byModel.set(modelKey, ofModel);
      addTo(all, tenantId, count);
      addTo(ofModel, tenantId, count);
      if (ofModel.total === 0) byModel.delete(modelKey);
    },
    inAll: (tenantId) => waitingIn(all, tenantId),
    forModel: (tenantId, modelKey) => waitingIn(byModel.get(modelKey) ?? NONE, tenantId),
  };
}

function addTo(count: Count, tenantId: string, more: number): void {
  const own = (count.byTenant.get(tenantId) ?? 0) + more;
  if (own > 0) count.byTenant.set(tenantId, own);
  else count.byTenant.delete(tenantId);
  count.total += more;
}

function waitingIn({ total, byTenant }: Count, tenantId: string): Waiting {
  const own = byTenant.get(tenantId) ?? 0;
  return { total, own, others: own > 0 ? byTenant.size - 1 : byTenant.size };
}
