// Opens each port when it is first asked for, what it needs before it, and closes all in reverse. What does not wait for
// one another opens at the same time.

import type { MessagePort } from 'node:worker_threads';
import { Interrupted } from '../patience/persist.ts';
import type { Opened } from './opened.ts';

/** Opens the port, or answers the one that is open. */
export type Open<Port> = () => Promise<Port>;

export interface PortOpener {
  /** A port, by the name that its engine has for operators. `needs` is awaited first; after `close` none is opened. */
  readonly port: <Given, Port>(
    name: string,
    needs: Open<Given>,
    open: (given: Given) => Promise<Opened<Port>>,
  ) => Open<Port>;
  /** By name, of the ports that are open. */
  readonly health: Readonly<Record<string, () => Promise<void>>>;
  /** Resolves with the reason when one of them can never be used again. */
  readonly failed: Promise<Error>;
  /** By name: what one more thread reaches the engines of this one by. Each call makes new ports. */
  connect(): Readonly<Record<string, MessagePort>>;
  /** Waits for what is being opened. Rejects, all having been closed that can be, with what could not. */
  close(): Promise<void>;
}

/** What is made of ports, once. */
export function once<Value>(make: Open<Value>): Open<Value> {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
}

/** `waits` names what is being opened, as long as it takes. */
export function createPortOpener(waits: Set<string>): PortOpener {
  const underWay = new Set<Promise<unknown>>();
  const closing: (() => Promise<void>)[] = [];
  const health: Record<string, () => Promise<void>> = {};
  const broken = Promise.withResolvers<Error>();
  const connecting = new Map<string, () => MessagePort>();
  let closed = false;

  function note<Port>(name: string, { port, health: healthOf, failed, connect, close }: Opened<Port>): Port {
    waits.delete(name);
    closing.push(close);
    if (healthOf) health[name] = healthOf;
    void failed?.then(broken.resolve);
    if (connect) connecting.set(name, connect);
    return port;
  }

  async function openAfter<Given, Port>(
    name: string,
    needs: Open<Given>,
    open: (given: Given) => Promise<Opened<Port>>,
  ): Promise<Port> {
    const given = await needs();
    if (closed) throw new Interrupted(`${name} was not opened: all is being closed`);
    waits.add(name);
    return note(name, await open(given));
  }

  return {
    port: (name, needs, open) =>
      once(() => {
        const opening = openAfter(name, needs, open);
        underWay.add(opening);
        return opening.finally(() => underWay.delete(opening));
      }),
    health,
    failed: broken.promise,
    connect: () => Object.fromEntries([...connecting].map(([name, connect]) => [name, connect()])),
    async close() {
      closed = true;
      await Promise.allSettled(underWay);
      const faults: unknown[] = [];
      for (let close = closing.pop(); close; close = closing.pop()) await close().catch((err) => faults.push(err));
      if (faults.length > 0) throw new AggregateError(faults, 'not every port could be closed');
    },
  };
}
