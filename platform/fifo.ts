export interface Fifo<T> extends Iterable<T> {
  push(item: T): void;
  /** Removes the first ones, at most so many, and answers them. */
  take(most: number): T[];
  /** The one that `take` would answer first. */
  readonly first: T | undefined;
  /** Removes the first one, if there is one. */
  drop(): void;
  /** Drops all but those of which this is true. */
  keep(isKept: (item: T) => boolean): void;
  readonly size: number;
}

/** So many places of taken items are kept before the array is moved: moving its head costs its length. */
const COMPACT_AT = 1_024;

/** First in, first out. Iterates from the first one. */
export function createFifo<T>(): Fifo<T> {
  let items: T[] = [];
  let first = 0;

  function pass(count: number): void {
    first += count;
    if (first < items.length && first < COMPACT_AT) return;
    items = items.slice(first);
    first = 0;
  }

  return {
    push: (item) => void items.push(item),
    take(most) {
      const taken = items.slice(first, first + most);
      pass(taken.length);
      return taken;
    },
    get first() {
      return items[first];
    },
    drop: () => pass(1),
    keep(isKept) {
      items = items.slice(first).filter(isKept);
      first = 0;
    },
    get size() {
      return items.length - first;
    },
    *[Symbol.iterator]() {
      for (let at = first; at < items.length; at++) yield items[at]!;
    },
  };
}
