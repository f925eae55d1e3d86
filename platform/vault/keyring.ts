// Who may be forgotten has a key. A subject (a tenant, a person) gets one key, wrapped by the master key, when it is
// made; its content is sealed with data keys, one per subject and UTC day, wrapped by the subject's. Erasing a subject
// removes its key, and with it all that was ever sealed for it, in the log, in blobs and in every backup of them.
//
// In the vault: `check`, `subject/<subject>`, `day/<subject>/<yyyy-mm-dd>`, `secret/<id>`. An erased subject's entry is
// not removed but replaced by nothing (zero bytes), in one step: `create` refuses the name for ever after, so neither a
// retry nor another replica can bring the subject back with a fresh key.

import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { finalError } from '../errors.ts';
import { openKeyCache } from './key-cache.ts';
import { openBytes, SealBroken, sealBytes } from './sealing.ts';
import type { Vault } from './vault.ts';

/** A day's key of a subject. `keyId`, `<subject>/<yyyy-mm-dd>`, is what sealed content names. */
export interface DataKey {
  readonly keyId: string;
  readonly key: KeyObject;
}

export interface Keyring {
  /** Makes the subject's key, once. Throws `SubjectErased` for one that was erased. */
  createSubject(subject: string): Promise<'created' | 'existed'>;
  /** Removes the subject's key and its day keys. Other threads and processes forget theirs within 60 s. */
  eraseSubject(subject: string): Promise<void>;
  /**
   * The key to seal with: the subject's for the UTC day of `now` (milliseconds, default: the clock's), made when it is
   * the first of its day. At once when it is cached, so a caller that minds the time need not await. Throws
   * `SubjectErased`, or `SubjectUnknown` when the subject was never created.
   */
  dataKey(subject: string, now?: number): DataKey | Promise<DataKey>;
  /** The key to open with. `erased`: it is gone from the vault. Throws when `keyId` is not one of this subject's. */
  keyOf(subject: string, keyId: string): KeyObject | 'erased' | Promise<KeyObject | 'erased'>;
  seal(
    subject: string,
    plaintext: Uint8Array,
    now?: number,
    aad?: Uint8Array,
  ): Promise<{ readonly keyId: string; readonly sealed: Buffer }>;
  /** Throws `SealBroken` when the bytes were changed or belong to another key. */
  open(subject: string, keyId: string, sealed: Uint8Array, aad?: Uint8Array): Promise<Buffer | 'erased'>;
  /** Keeps a secret (a credential's value), or replaces it. `aad` ties it to its owner: reading needs the same. */
  putSecret(id: string, value: string, aad: string): Promise<void>;
  readSecret(id: string, aad: string): Promise<string | undefined>;
  removeSecret(id: string): Promise<void>;
  /** Forgets the keys. The vault stays open: who opened it closes it. */
  close(): void;
}

export class MasterKeyMismatch extends finalError('master-key-mismatch') {}

/** There is data sealed with keys that this vault does not hold. */
export class VaultMissing extends finalError('vault-missing') {}

export class SubjectErased extends finalError('subject-erased') {}

export class SubjectUnknown extends finalError('subject-unknown') {}

const ERASED = new Uint8Array(0);
const DAY_MS = 86_400_000;
// No slash: it parts the subject from the day.
const SUBJECT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

const subjectName = (subject: string) => `subject/${subject}`;
const dayName = (keyId: string) => `day/${keyId}`;
const secretName = (id: string) => `secret/${id}`;
const bytes = (...parts: string[]) => Buffer.from(parts.length === 1 ? parts[0]! : JSON.stringify(parts));

/** Wrapped keys carry their name as associated data: an entry moved to another name does not open. */
const wrap = (by: KeyObject, raw: Uint8Array, name: string) => sealBytes(by, raw, bytes(name));
const unwrap = (by: KeyObject, wrapped: Uint8Array, name: string) =>
  createSecretKey(openBytes(by, wrapped, bytes(name)));

async function checkMasterKey(vault: Vault, master: KeyObject, mayBeNew: boolean): Promise<void> {
  const found = await vault.read('check');
  if (!found && !mayBeNew) throw new VaultMissing('the vault holds none of the keys that the data was sealed with');
  if (!found && (await vault.create('check', sealBytes(master, bytes('defter'), bytes('check'))))) return;
  const record = found ?? (await vault.read('check'));
  try {
    openBytes(master, record ?? ERASED, bytes('check'));
  } catch (cause) {
    if (!(cause instanceof SealBroken)) throw cause;
    throw new MasterKeyMismatch('MASTER_KEY does not belong to this data', { cause });
  }
}

/**
 * `masterKey` is 32 bytes. The first keyring of a vault leaves a record by which a later one knows its master key:
 * throws `MasterKeyMismatch` for another. Where `mayBeNew` is false, a vault without that record is refused with
 * `VaultMissing`: it would be taken for new while what it held is needed. Each thread opens its own.
 */
export async function openKeyring(options: {
  readonly vault: Vault;
  readonly masterKey: Uint8Array;
  readonly mayBeNew?: boolean;
  readonly now?: () => number;
}): Promise<Keyring> {
  const { vault, mayBeNew = true, now: clock = Date.now } = options;
  if (options.masterKey.length !== 32) throw new MasterKeyMismatch('the master key must be 32 bytes');
  const master = createSecretKey(options.masterKey);
  await checkMasterKey(vault, master, mayBeNew);
  const cache = openKeyCache(clock);
  const reading = new Map<string, Promise<KeyObject | 'erased' | 'absent'>>();

  /** Reads and unwraps an entry through the cache; many who ask at once read once. */
  const read = (name: string, wrapper: () => Promise<KeyObject | 'erased' | 'absent'>) => {
    const known = cache.get(name);
    if (known) return known;
    const under = reading.get(name);
    if (under) return under;
    const run = async () => {
      const readAt = clock();
      const by = await wrapper();
      if (typeof by === 'string') return by;
      const wrapped = await vault.read(name);
      if (!wrapped) return 'absent'; // not remembered: it may be made the next moment
      const key = wrapped.length === 0 ? 'erased' : unwrap(by, wrapped, name);
      cache.set(name, key, readAt);
      return key;
    };
    const started = run().finally(() => reading.delete(name));
    reading.set(name, started);
    return started;
  };

  const subjectKey = async (subject: string) => read(subjectName(subject), async () => master);
  const dayKey = (subject: string, keyId: string) => read(dayName(keyId), () => subjectKey(subject));

  const makeDayKey = async (subject: string, keyId: string): Promise<DataKey> => {
    const by = await subjectKey(subject);
    if (by === 'erased') throw new SubjectErased('this subject was erased');
    if (by === 'absent') throw new SubjectUnknown('this subject has no key');
    const found = await dayKey(subject, keyId);
    if (typeof found === 'object') return { keyId, key: found };
    // Whoever creates first wins; all read what is there, so that two threads seal with one key.
    await vault.create(dayName(keyId), wrap(by, randomBytes(32), dayName(keyId)));
    let key = await dayKey(subject, keyId);
    // Answered to one who had asked before it was made.
    if (key === 'absent') key = await dayKey(subject, keyId);
    if (typeof key !== 'object') throw new SubjectErased('this subject was erased');
    return { keyId, key };
  };

  let today = { number: -1, text: '' };
  const dayOf = (now: number) => {
    const number = Math.floor(now / DAY_MS);
    if (today.number !== number) today = { number, text: new Date(number * DAY_MS).toISOString().slice(0, 10) };
    return today.text;
  };

  const keyring: Keyring = {
    async createSubject(subject) {
      if (!SUBJECT.test(subject))
        throw new TypeError('a subject is 1 to 128 letters, digits, dots, dashes, underscores');
      const name = subjectName(subject);
      if (await vault.create(name, wrap(master, randomBytes(32), name))) return 'created';
      if ((await vault.read(name))?.length === 0) throw new SubjectErased('this subject was erased');
      return 'existed';
    },
    async eraseSubject(subject) {
      const days = `${dayName(subject)}/`;
      await vault.replace(subjectName(subject), ERASED);
      for (const name of await vault.list(days)) await vault.remove(name);
      cache.drop((name) => name === subjectName(subject) || name.startsWith(days));
    },
    dataKey(subject, now = clock()) {
      const keyId = `${subject}/${dayOf(now)}`;
      const key = cache.get(dayName(keyId));
      return typeof key === 'object' ? { keyId, key } : makeDayKey(subject, keyId);
    },
    keyOf(subject, keyId) {
      if (!keyId.startsWith(`${subject}/`) || !DAY.test(keyId.slice(subject.length + 1))) {
        throw new SealBroken('this key belongs to another subject');
      }
      const key = dayKey(subject, keyId);
      return key instanceof Promise ? key.then((found) => (found === 'absent' ? 'erased' : found)) : key;
    },
    async seal(subject, plaintext, now, aad) {
      const { keyId, key } = await keyring.dataKey(subject, now);
      return { keyId, sealed: sealBytes(key, plaintext, aad) };
    },
    async open(subject, keyId, sealed, aad) {
      const key = await keyring.keyOf(subject, keyId);
      return key === 'erased' ? key : openBytes(key, sealed, aad);
    },
    async putSecret(id, value, aad) {
      await vault.replace(secretName(id), sealBytes(master, bytes(value), bytes(secretName(id), aad)));
    },
    async readSecret(id, aad) {
      const sealed = await vault.read(secretName(id));
      return sealed && openBytes(master, sealed, bytes(secretName(id), aad)).toString();
    },
    removeSecret: (id) => vault.remove(secretName(id)),
    close: () => cache.close(),
  };
  return keyring;
}
