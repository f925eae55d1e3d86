// The port to remembered answers. Every key is inside a tenant: the tenant is an argument of its own and part of what is
// hashed, so one tenant's answer cannot be another's. May forget at any time.

export interface ResponseCache {
  get(tenantId: string, key: string): Promise<unknown>;
  /** `value` is JSON; `ttlMs` is how long it may be answered. */
  set(tenantId: string, key: string, value: unknown, ttlMs: number): Promise<void>;
  /** Forgets everything of a tenant. */
  clear(tenantId: string): Promise<void>;
  close(): Promise<void>;
}
