import type { Vault } from '#platform/vault/vault.ts';

/** A vault that forgets at the end of the process; `entries` is what it holds, `reads` the names that were read. */
export function createMemoryVault() {
  const entries = new Map<string, Uint8Array>();
  const reads: string[] = [];
  const vault: Vault = {
    async create(name, value) {
      if (entries.has(name)) return false;
      entries.set(name, value);
      return true;
    },
    async read(name) {
      reads.push(name);
      return entries.get(name);
    },
    replace: async (name, value) => void entries.set(name, value),
    remove: async (name) => void entries.delete(name),
    list: async (prefix) => [...entries.keys()].filter((name) => name.startsWith(prefix)).sort(),
    close: async () => undefined,
  };
  return { ...vault, entries, reads };
}
