// Dead letters as rows of the read store, for readers in any process.

import type { ReadStore } from '../read-store/read-store.ts';

export interface DeadLetter {
  readonly group: string;
  readonly stream: string;
  /** Of the first event that failed. */
  readonly revision: number;
  readonly eventId: string;
  readonly error: string;
  readonly attempts: number;
  /** Milliseconds since the epoch, of the last failure. */
  readonly failedAt: number;
  /** The last request of an administrator that it was taken up for; -1: none. See letter-requests.ts. */
  readonly request: number;
}

export type DeadLetterRows = Pick<ReadStore, 'get' | 'keys'>;

const PREFIX = 'dead-letter:';
/** Keys read to find a page of letters; a group has at most 10,000 letters. */
const MOST_KEYS = 100_000;

export const deadLetterKey = (group: string, stream: string) => `${PREFIX}${group}:${stream}`;

/** What an administrator knows a group by: a projection's name without the version. */
export const nameOfGroup = (group: string) => group.replace(/\.\d+$/, '');

/** undefined for a group that has no versions. */
export function versionOfGroup(group: string): number | undefined {
  const version = /\.(\d+)$/.exec(group)?.[1];
  return version === undefined ? undefined : Number(version);
}

export function parseLetter(value: unknown): DeadLetter {
  const row = value as Partial<Record<keyof DeadLetter, unknown>> | null;
  if (typeof row?.group !== 'string' || typeof row.stream !== 'string' || typeof row.revision !== 'number') {
    throw new TypeError('a dead letter in the store cannot be read');
  }
  return { ...(row as DeadLetter), request: typeof row.request === 'number' ? row.request : -1 };
}

/** Names a letter for good: the same failure has the same id. For URLs. */
export const deadLetterId = ({ group, stream, revision }: Pick<DeadLetter, 'group' | 'stream' | 'revision'>) =>
  Buffer.from(JSON.stringify([group, revision, stream])).toString('base64url');

/** What an id names, whether such a letter stands or not; undefined for what is no id of ours. */
export function readDeadLetterId(id: string): Pick<DeadLetter, 'group' | 'stream' | 'revision'> | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(id, 'base64url').toString());
    const [group, revision, stream] = Array.isArray(parts) ? (parts as readonly unknown[]) : [];
    if (typeof group !== 'string' || typeof stream !== 'string' || typeof revision !== 'number') return undefined;
    return { group, stream, revision };
  } catch {
    return undefined;
  }
}

/** The letter that an id names, if it still stands. */
export async function findDeadLetterById(store: Pick<ReadStore, 'get'>, id: string): Promise<DeadLetter | undefined> {
  const named = readDeadLetterId(id);
  const letter = named && (await findDeadLetter(store, named.group, named.stream));
  return letter?.revision === named?.revision ? letter : undefined;
}

/** The letter that holds up a stream for a group, if one does. */
export async function findDeadLetter(
  store: Pick<ReadStore, 'get'>,
  group: string,
  stream: string,
): Promise<DeadLetter | undefined> {
  const [row] = await store.get([deadLetterKey(group, stream)]);
  return row && parseLetter(row.value);
}

export interface DeadLetterQuery {
  /** A group, or a projection's name for all of its versions. */
  readonly group?: string;
  /** Only letters of groups of which this is true. */
  readonly accepts?: (group: string) => boolean;
  readonly limit: number;
  /** The group and stream of the last letter of the page before. */
  readonly after?: Pick<DeadLetter, 'group' | 'stream'>;
}

/** Letters by group and stream. */
export async function listDeadLetters(store: DeadLetterRows, query: DeadLetterQuery): Promise<DeadLetter[]> {
  const { group, accepts = () => true, limit, after } = query;
  const keys = (await keysOf(store, group)).filter((key) => accepts(groupOfKey(key)));
  const beyond = after === undefined ? -1 : keys.findLastIndex((key) => !isAfter(key, after));
  const rows = await store.get(keys.slice(beyond + 1, beyond + 1 + limit));
  return rows.flatMap((row) => (row ? [parseLetter(row.value)] : []));
}

export const countDeadLetters = async (store: Pick<ReadStore, 'keys'>, group: string): Promise<number> =>
  (await keysOf(store, group)).length;

async function keysOf(store: Pick<ReadStore, 'keys'>, group: string | undefined): Promise<string[]> {
  const keys = await store.keys(group === undefined ? PREFIX : `${PREFIX}${group}`, MOST_KEYS);
  if (group === undefined) return keys;
  return keys.filter((key) => {
    const owner = groupOfKey(key);
    return owner === group || nameOfGroup(owner) === group;
  });
}

const groupOfKey = (key: string) => key.slice(PREFIX.length, key.indexOf(':', PREFIX.length));

const isAfter = (key: string, { group, stream }: Pick<DeadLetter, 'group' | 'stream'>) =>
  Buffer.compare(Buffer.from(key), Buffer.from(deadLetterKey(group, stream))) > 0;
