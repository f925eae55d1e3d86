// Whether a tenant may have one more waiting where others may be waiting too. Alone it may fill the queue. Once others wait,
// and half of the queue is taken, it may have an equal share; who is below that is let in though the queue is full, up to as
// much again; and whoever has nothing waiting is let in always. While more than half is free nobody's share is in danger:
// many tenants with little to do must not make a burst of one a fault.

export interface Waiting {
  /** Of all tenants. */
  readonly total: number;
  /** Tenants that have any waiting, this one not counted. */
  readonly others: number;
  /** Of this tenant. */
  readonly own: number;
}

/** `above-share` is up to the tenant, `full` to all of them. */
export type Refusal = 'above-share' | 'full';

/** How many this tenant may have waiting, of a queue of so many. */
export const shareOf = ({ others }: Pick<Waiting, 'others'>, queue: number): number =>
  Math.max(1, Math.floor(queue / (others + 1)));

/** No more than this many wait, but for the first of each tenant: a worker has room for as many (MAX_OUTSTANDING). */
export const mostWaiting = (queue: number): number => 2 * queue;

/** Undefined: it may have one more. */
export function refusalOf(waiting: Waiting, queue: number): Refusal | undefined {
  const { total, own } = waiting;
  if (own === 0) return undefined;
  if (total < queue / 2) return undefined;
  if (own >= shareOf(waiting, queue)) return 'above-share';
  return total >= mostWaiting(queue) ? 'full' : undefined;
}
