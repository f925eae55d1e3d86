// The faults that the stand-in for EventStoreDB shows on request, and how to ask for them: a small HTTP port of its own
// (EVENTSTORE_FAULTS_URL). A real server has none; tests that need faults start a stand-in of their own.

/** On which calls; `deliver` is each chunk that a subscription is about to send. */
export type FaultPoint = 'append' | 'read' | 'subscribe' | 'deliver';

export type FaultKind =
  /** Answered UNAVAILABLE before anything was done. */
  | 'refuse'
  /** Done, and then answered UNAVAILABLE, as when the connection breaks. */
  | 'drop-response'
  /** Never answered; nothing is done. */
  | 'stall'
  /** Done, and never answered. */
  | 'stall-response'
  /** Done after `ms`. */
  | 'delay'
  /** Done, and answered after `ms`. */
  | 'delay-response'
  /** Done, and every connection cut without a word. */
  | 'cut-connections'
  /** A subscription sends what it sends twice. */
  | 'repeat';

export interface Fault {
  readonly on: FaultPoint;
  readonly kind: FaultKind;
  /** Calls that it hits; for ever when absent. */
  readonly times?: number;
  /** Hits each call with this probability, from this seed; every call when absent. */
  readonly probability?: number;
  readonly seed?: number;
  readonly ms?: number;
}

/** Calls since the start. */
export interface CallCounts {
  readonly append: number;
  readonly batchAppend: number;
  readonly read: number;
  readonly subscribe: number;
  /** Faults that were shown. */
  readonly faults: number;
}

export interface Faults {
  add(fault: Fault): Promise<void>;
  /** No more faults; what is stalled stays so. */
  clear(): Promise<void>;
  /** Ends all subscriptions now, with an error or as if all were said. Answers how many. */
  cutSubscriptions(how: 'error' | 'end'): Promise<number>;
  /** Breaks all connections now. */
  cutConnections(): Promise<void>;
  /** Appends an event of the server's own (`$…`). */
  writeSystemEvents(count: number): Promise<void>;
  counts(): Promise<CallCounts>;
}

export function connectFaults(url: string): Faults {
  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(new URL(path, url), init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
  return {
    add: async (fault) => void (await call('POST', '/faults', fault)),
    clear: async () => void (await call('DELETE', '/faults')),
    async cutSubscriptions(how) {
      return ((await call('POST', '/cut-subscriptions', { how })) as { cut: number }).cut;
    },
    cutConnections: async () => void (await call('POST', '/cut-connections')),
    writeSystemEvents: async (count) => void (await call('POST', '/system-events', { count })),
    counts: async () => (await call('GET', '/counts')) as CallCounts,
  };
}
