// What two versions of a read model have in common, as it is found out page by page while both are being written. A
// document may be further in one than in the other when it is looked at: then it is looked at again, until both are at the
// same revision, where they must be the same.

import { createHash } from 'node:crypto';
import { pause } from '../patience/back-off.ts';

/** One document as it is in a version: undefined where there is none. */
export interface Seen {
  readonly revision: number;
  /** Equal for equal documents: a digest, or the document as text. */
  readonly digest: string;
}

export interface Comparison {
  /** Documents compared. */
  readonly documents: number;
  /** Those that are not the same at the same revision, or that only one of the two has. */
  readonly different: number;
  /** The first few of those, by name. */
  readonly examples: readonly string[];
  /** Of the new version: the sum of its documents' hashes, whatever their order; 16 hexadecimal digits. */
  readonly checksum: string;
}

/** How long it waits, in all, for documents that one version has at a lower revision. */
const PATIENCE_MS = 30_000;
/** And at most for one page. */
const PAGE_PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 20;
const EXAMPLES = 10;

export type Pairs = ReadonlyMap<string, { readonly live: Seen | undefined; readonly next: Seen | undefined }>;

export interface ComparisonOptions {
  readonly signal: AbortSignal;
  /** Milliseconds to wait, in all, for documents that are further in one version; default 30,000. */
  readonly patienceMs?: number;
  /** Documents that stand still in one of the versions: they are not waited for. */
  readonly parked?: ReadonlySet<string>;
}

export function createComparison({ signal, patienceMs = PATIENCE_MS, parked }: ComparisonOptions) {
  let documents = 0;
  let different = 0;
  let sum = 0n;
  let patience = patienceMs;
  const examples: string[] = [];

  function count(id: string, next: Seen | undefined, same: boolean): void {
    documents++;
    if (next) sum = BigInt.asUintN(64, sum + hashOf(id, next));
    if (same) return;
    different++;
    if (examples.length < EXAMPLES) examples.push(id);
  }

  return {
    /** Compares one page. `lookAgain` sees the documents named as they are by now. */
    async page(first: Pairs, lookAgain: (ids: readonly string[]) => Promise<Pairs>): Promise<void> {
      const until = performance.now() + Math.min(patience, PAGE_PATIENCE_MS);
      const began = performance.now();
      let pairs = first;
      for (;;) {
        const open: string[] = [];
        const isLast = performance.now() >= until || signal.aborted;
        for (const [id, { live, next }] of pairs) {
          if (!live && !next) continue;
          if (live?.revision !== next?.revision && !isLast && !parked?.has(id)) open.push(id);
          else count(id, next, live?.revision === next?.revision && live?.digest === next?.digest);
        }
        if (open.length === 0) break;
        await pause(LOOK_AGAIN_MS);
        pairs = await lookAgain(open);
      }
      if (pairs !== first) patience = Math.max(0, patience - (performance.now() - began));
    },
    result: (): Comparison => ({ documents, different, examples, checksum: sum.toString(16).padStart(16, '0') }),
  };
}

const hashOf = (id: string, { revision, digest }: Seen): bigint =>
  createHash('sha256').update(`${id}\n${revision}\n${digest}`).digest().readBigUInt64BE();
