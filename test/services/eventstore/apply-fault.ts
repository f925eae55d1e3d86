import { status } from '@grpc/grpc-js';
import type { Fault } from './faults.ts';
import type { StandIn } from './stand-in.ts';
import { failure } from './wire.ts';

/** What a fault does before the work is done. */
export async function before(fault: Fault | undefined): Promise<'stalled' | undefined> {
  if (fault?.kind === 'refuse') throw failure(status.UNAVAILABLE, 'Server Is Not Ready');
  if (fault?.kind === 'delay') await waited(fault);
  return fault?.kind === 'stall' ? 'stalled' : undefined;
}

/** What a fault does once it is done. */
export async function after({ cutConnections }: StandIn, fault: Fault | undefined): Promise<'stalled' | undefined> {
  if (fault?.kind === 'drop-response') throw failure(status.UNAVAILABLE, 'the connection was lost');
  if (fault?.kind === 'delay-response') await waited(fault);
  if (fault?.kind === 'cut-connections') cutConnections();
  return fault?.kind === 'stall-response' || fault?.kind === 'cut-connections' ? 'stalled' : undefined;
}

function waited({ ms = 1_000 }: Fault): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
