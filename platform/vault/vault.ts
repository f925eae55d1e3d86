// The port to what must really be gone once deleted: wrapped keys and credentials. Small values by name, durable when a
// call resolves. What is put in is already encrypted (keyring.ts); the vault is backed up apart from the log.

export interface Vault {
  /** Creates, or answers false when the name exists: two who create at once get one value between them. */
  create(name: string, value: Uint8Array): Promise<boolean>;
  read(name: string): Promise<Uint8Array | undefined>;
  /** Creates or replaces. The value before cannot be read afterwards, not from the files either. */
  replace(name: string, value: Uint8Array): Promise<void>;
  /** The value cannot be read afterwards, not from the files either. No error when there is none. */
  remove(name: string): Promise<void>;
  /** The names that begin with the prefix, in byte order. */
  list(prefix: string): Promise<string[]>;
  close(): Promise<void>;
}
