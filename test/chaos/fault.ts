// What can be done to an installation. Plain data, so that a schedule is written down, compared and repeated.

import type { Fault as EventStoreFault } from '../services/eventstore/faults.ts';

export const SERVERS = ['eventstore', 'kafka', 'schema-registry', 'redis', 'elasticsearch', 's3'] as const;
export type ServerName = (typeof SERVERS)[number];

/** Of every service, `copies` run at once, named `<service>/<number>`; `everyone` are all copies of all services. */
export type Target = string;
export const EVERYONE = 'everyone';

/** Times in milliseconds. */
export type Fault =
  /** SIGKILL, and started again; with `again` the new process is killed so long after it began, and then started again. */
  | { readonly kind: 'kill service'; readonly target: Target; readonly downMs: number; readonly againMs?: number }
  /** SIGTERM, and started again. */
  | { readonly kind: 'stop service'; readonly target: Target; readonly downMs: number }
  /** SIGSTOP and SIGCONT: it sleeps past its sessions, and wakes up believing that it still has them. */
  | { readonly kind: 'freeze service'; readonly target: Target; readonly forMs: number }
  | { readonly kind: 'kill server'; readonly server: ServerName; readonly downMs: number }
  /** Every connection is broken once. */
  | { readonly kind: 'cut'; readonly target: Target; readonly server: ServerName }
  /** Connections are broken and refused. */
  | { readonly kind: 'part'; readonly target: Target; readonly server: ServerName; readonly forMs: number }
  /** Connections stand, and nothing passes; then what was held back arrives, or the connections are broken. */
  | {
      readonly kind: 'stall';
      readonly target: Target;
      readonly server: ServerName;
      readonly forMs: number;
      readonly thenCut: boolean;
    }
  | {
      readonly kind: 'slow';
      readonly target: Target;
      readonly server: ServerName;
      readonly delayMs: number;
      readonly forMs: number;
    }
  /** The search index refuses one document, the first that comes by: its stream is set aside, and retried in the end. */
  | { readonly kind: 'refuse document'; readonly forMs: number }
  /** The event store itself does wrong; see eventstore/faults.ts. */
  | { readonly kind: 'event store'; readonly wrong: EventStoreFault; readonly forMs: number }
  | { readonly kind: 'cut subscriptions'; readonly how: 'error' | 'end' }
  /** No fault, but work that must get by with the others: a read model is built anew beside the one that is read. */
  | { readonly kind: 'rebuild'; readonly projection: string };

/** Which thing a fault is done to: two faults of one round are never done to the same. */
export function placeOf(fault: Fault): string {
  switch (fault.kind) {
    case 'kill service':
    case 'stop service':
    case 'freeze service':
      return fault.target;
    case 'kill server':
      return fault.server;
    case 'cut':
    case 'part':
    case 'stall':
    case 'slow':
      return `${fault.target} to ${fault.server}`;
    case 'event store':
    case 'cut subscriptions':
    case 'rebuild':
    case 'refuse document':
      return fault.kind;
  }
}

/** One line for people. */
export function describeFault(fault: Fault): string {
  const { kind, ...rest } = fault;
  const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value).replaceAll('"', '')}`);
  return `${kind}: ${details.join(', ')}`;
}
