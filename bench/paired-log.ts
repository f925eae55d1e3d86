// A log for the benches of projectors: each stream has two events; the second comes some thousand events after the first,
// as a result after its request.

import { v4, v7 } from 'uuid';
import type { RecordedEvent } from '#events/envelope.ts';
import type { Delivery } from '#platform/bus/bus.ts';

const GAP = 4_000;

export interface PairedLogOptions {
  readonly streams: number;
  /** Of each stream's name. */
  readonly prefix: string;
  /** Of the first and the second event of a stream. */
  readonly types: readonly [string, string];
  /** Of an event of this tenant, at this place in the log. */
  readonly dataOf: (tenant: string, at: number) => object;
}

export function makePairedLog({ streams, prefix, types, dataOf }: PairedLogOptions): Delivery[] {
  const names = Array.from({ length: streams }, () => `${prefix}${v7()}`);
  const gap = Math.min(GAP, streams);
  const order: [stream: number, revision: 0 | 1][] = [];
  for (let at = 0; at < streams + gap; at++) {
    if (at < streams) order.push([at, 0]);
    if (at >= gap) order.push([at - gap, 1]);
  }
  return order.map(([stream, revision], at) => {
    const tenantId = `tenant-${stream % 50}`;
    const metadata = {
      tenantId,
      actor: { kind: 'system', id: 'bench' },
      $correlationId: 'c',
      $causationId: 'c',
      schemaVersion: 1,
    } as const;
    const event: RecordedEvent = {
      id: v4(),
      type: types[revision],
      stream: names[stream] ?? '',
      revision,
      position: BigInt(at + 1),
      recordedAt: 1_700_000_000_000 + at,
      data: dataOf(tenantId, at),
      metadata,
    };
    return { topic: 'bench', partition: 0, event };
  });
}
