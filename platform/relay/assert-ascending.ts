import { StartError } from '../errors.ts';
import type { EncodedEvent } from './relay-target.ts';

/**
 * Throws `StartError` unless the positions ascend, all after `last` and up to `next`. The log's order is all that keeps an
 * event from being written twice or not at all: a fault here must not pass.
 */
export function assertAscending(last: bigint, events: readonly EncodedEvent[], next: bigint): void {
  let before = last;
  for (const { position } of events) {
    if (position <= before) throw outOfOrder(position, before);
    before = position;
  }
  if (next < before || next <= last) throw outOfOrder(next, before);
}

const outOfOrder = (position: bigint, before: bigint) =>
  new StartError(`the log came out of order: position ${position} after ${before}; nothing of it was written`);
