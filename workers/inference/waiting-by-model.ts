/** How many requests wait or run, by model and tenant. */
export interface WaitingByModel {
  readonly models: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** `count` may be negative, of what was added before. */
  add(modelKey: string, tenantId: string, count: number): void;
}

export function createWaitingByModel(): WaitingByModel {
  const models = new Map<string, Map<string, number>>();
  return {
    models,
    add(modelKey, tenantId, count) {
      const byTenant = models.get(modelKey) ?? new Map<string, number>();
      const left = (byTenant.get(tenantId) ?? 0) + count;
      if (left > 0) byTenant.set(tenantId, left);
      else byTenant.delete(tenantId);
      if (byTenant.size > 0) models.set(modelKey, byTenant);
      else models.delete(modelKey);
    },
  };
}
