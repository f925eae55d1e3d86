// Several adapters of one port at once: a record names the one that it wants by key, and it is opened when it is first
// named, so that what nobody uses is not even loaded.

export interface KeyedAdapters<Port> {
  /** undefined: there is none of this key. One that could not be opened is tried again when it is named again. */
  get(key: string): Promise<Port> | undefined;
  /** Closes those that were opened; opens no more. Rejects, all having been closed that can be, with what could not. */
  close(): Promise<void>;
}

export function createKeyedAdapters<Port extends { close(): Promise<void> }>(
  openers: Readonly<Record<string, () => Promise<Port>>>,
): KeyedAdapters<Port> {
  const known = new Map(Object.entries(openers));
  const opened = new Map<string, Promise<Port>>();
  let closed = false;

  function open(key: string, opener: () => Promise<Port>): Promise<Port> {
    if (closed) return Promise.reject(new Error(`${key} is asked for, though all have been closed`));
    const opening = opener();
    opened.set(key, opening);
    opening.catch(() => opened.delete(key));
    return opening;
  }

  return {
    get(key) {
      const opener = known.get(key);
      return opener && (opened.get(key) ?? open(key, opener));
    },
    async close() {
      closed = true;
      const open = await Promise.allSettled(opened.values());
      const closing = open.flatMap((one) => (one.status === 'fulfilled' ? [one.value.close()] : []));
      const faults = (await Promise.allSettled(closing)).flatMap((one) =>
        one.status === 'rejected' ? [one.reason] : [],
      );
      if (faults.length > 0) throw new AggregateError(faults, 'not every adapter could be closed');
    },
  };
}
