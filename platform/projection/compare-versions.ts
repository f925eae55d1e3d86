// Compares two versions of a read model, document by document, while both go on being written.

import { setImmediate as letOthersRun } from 'node:timers/promises';
import canonicalize from 'canonicalize';
import type { StoredDocument } from '../read-store/read-store.ts';
import type { DocumentDigest, SearchIndex } from '../search-index/search-index.ts';
import { type Comparison, type ComparisonOptions, createComparison, type Pairs, type Seen } from './comparison.ts';
import type { Documents } from './versions.ts';

const PAGE = 500;
/** Documents that come in among those of a page, while it is looked at again. */
const ROOM = 500;

/** Documents of the read store. Rejects when aborted. */
export async function compareDocuments(
  live: Pick<Documents, 'get' | 'scan'>,
  next: Pick<Documents, 'get' | 'scan'>,
  options: ComparisonOptions,
): Promise<Comparison> {
  const { signal } = options;
  const comparison = createComparison(options);
  /** Hashes, as the keys of many documents would take much memory. */
  const compared = new Set<number>();

  // The new version is read last: it is the one that may be behind.
  const pairsOf = async (keys: readonly string[], known?: readonly (StoredDocument | undefined)[]): Promise<Pairs> => {
    const old = known ?? (await live.get(keys));
    const young = await next.get(keys);
    return new Map(keys.map((key, at) => [key, seenPair(old[at], young[at])]));
  };

  for await (const documents of pagesOf(live, signal)) {
    const keys = documents.map(({ key }) => key);
    for (const key of keys) compared.add(hashOfKey(key));
    await comparison.page(await pairsOf(keys, documents), pairsOf);
  }
  // And those that only the new version has.
  for await (const documents of pagesOf(next, signal)) {
    const keys = documents.map(({ key }) => key).filter((key) => !compared.has(hashOfKey(key)));
    const there = await live.get(keys);
    const missing = keys.filter((_, at) => there[at] === undefined);
    if (missing.length > 0) await comparison.page(await pairsOf(missing), pairsOf);
  }
  return comparison.result();
}

async function* pagesOf({ scan }: Pick<Documents, 'scan'>, signal: AbortSignal) {
  let cursor: string | undefined;
  do {
    signal.throwIfAborted();
    const page = await scan('', { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    if (page.documents.length > 0) yield page.documents;
    ({ cursor } = page);
    // Whoever else works on this thread goes on meanwhile.
    await letOthersRun();
  } while (cursor !== undefined);
}

function seenPair(live: StoredDocument | undefined, next: StoredDocument | undefined) {
  const [old, young] = [live, next].map((one) => one && JSON.stringify(one.value));
  // The order of an object's members says nothing; mostly it is the same.
  const isSame = old === young || (live && next && canonicalize(live.value) === canonicalize(next.value));
  const digest = young ?? '';
  return {
    live: live && { revision: live.revision, digest: isSame ? digest : (old ?? '') },
    next: next && { revision: next.revision, digest },
  };
}

/** FNV-1a twice, with two beginnings: 52 bits. */
function hashOfKey(key: string): number {
  let [low, high] = [0x811c9dc5, 0x1000193];
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
  }
  return (high >>> 12) * 0x1_0000_0000 + (low >>> 0);
}

/** Indices of the search index; both must have one shape. Rejects when aborted. */
export async function compareIndices(
  searchIndex: Pick<SearchIndex, 'digests' | 'refresh'>,
  live: string,
  next: string,
  options: ComparisonOptions,
): Promise<Comparison> {
  const { signal } = options;
  const comparison = createComparison(options);
  const refresh = () => Promise.all([searchIndex.refresh(live), searchIndex.refresh(next)]);
  const look = async (after: string | undefined, limit: number) => {
    const options = { limit, ...(after !== undefined && { after }) };
    const old = await searchIndex.digests(live, options);
    return { old, young: await searchIndex.digests(next, options) };
  };

  await refresh();
  let after: string | undefined;
  do {
    signal.throwIfAborted();
    const from = after;
    const { old, young } = await look(from, PAGE);
    const end = endOfBoth(old, young);
    const lookAgain = async (ids: readonly string[]): Promise<Pairs> => {
      await refresh();
      const again = await look(from, PAGE + ROOM);
      return pairs(again.old, again.young, new Set(ids));
    };
    const isInside = (one: DocumentDigest) => end === undefined || compareBytes(one.id, end) <= 0;
    await comparison.page(pairs(old.filter(isInside), young.filter(isInside)), lookAgain);
    after = end;
    await letOthersRun();
  } while (after !== undefined);
  return comparison.result();
}

/** Up to where both pages are complete; undefined when both reach the end. */
function endOfBoth(old: readonly DocumentDigest[], young: readonly DocumentDigest[]): string | undefined {
  const ends = [old, young].flatMap((page) => (page.length >= PAGE ? [page.at(-1)?.id ?? ''] : []));
  return ends.sort(compareBytes)[0];
}

function pairs(old: readonly DocumentDigest[], young: readonly DocumentDigest[], only?: ReadonlySet<string>): Pairs {
  const found = new Map<string, { live: Seen | undefined; next: Seen | undefined }>();
  const wanted = ({ id }: DocumentDigest) => only?.has(id) ?? true;
  for (const one of old.filter(wanted)) found.set(one.id, { live: one, next: undefined });
  for (const one of young.filter(wanted)) found.set(one.id, { live: found.get(one.id)?.live, next: one });
  return found;
}

const compareBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
