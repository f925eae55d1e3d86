import { setTimeout as sleep } from 'node:timers/promises';
import { connectFaults, type Faults } from '../services/eventstore/faults.ts';
import { projections } from '#events/projection.ts';
import type { TcpProxy } from '../services/tcp-proxy.ts';
import type { Recorder } from '../support/history-recorder.ts';
import { EVERYONE, type Fault, type ServerName, SERVERS } from './fault.ts';
import type { Installation } from './installation.ts';
import type { MortalService } from './mortal-service.ts';

export interface FaultTools {
  readonly installation: Installation;
  readonly recorder: Recorder;
  /** Aborted: faults end early. */
  readonly signal: AbortSignal;
}

/** Resolves when the fault is over and whatever was ended by it runs again. */
export async function applyFault(fault: Fault, { installation, recorder, signal }: FaultTools): Promise<void> {
  const { servers } = installation;
  const pass = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
  const service = (name: string): MortalService => {
    const found = installation.services.get(name);
    if (!found) throw new Error(`there is no service ${name}`);
    return found;
  };
  const links = (target: string, server: ServerName): TcpProxy[] =>
    (target === EVERYONE ? servers.users : [target]).map((user) => servers.proxy(user, server));
  const each = (proxies: readonly TcpProxy[], what: (proxy: TcpProxy) => void) => {
    for (const proxy of proxies) what(proxy);
  };

  switch (fault.kind) {
    case 'kill service': {
      const one = service(fault.target);
      await one.kill9();
      await pass(fault.downMs);
      if (fault.againMs !== undefined) {
        await one.start(fault.againMs);
        await one.kill9();
      }
      return one.start();
    }
    case 'stop service': {
      const one = service(fault.target);
      await one.stop();
      await pass(fault.downMs);
      return one.start();
    }
    case 'freeze service': {
      const one = service(fault.target);
      one.freeze();
      await pass(fault.forMs);
      return one.thaw();
    }
    case 'kill server': {
      const server = servers.running[fault.server];
      await server.kill9();
      await pass(fault.downMs);
      return server.restart();
    }
    case 'cut':
      return each(links(fault.target, fault.server), (proxy) => proxy.cut());
    case 'part':
    case 'stall':
    case 'slow': {
      const proxies = links(fault.target, fault.server);
      each(proxies, (proxy) => {
        if (fault.kind === 'part') proxy.refuse();
        else if (fault.kind === 'stall') proxy.stall();
        else proxy.slow(fault.delayMs);
      });
      await pass(fault.forMs);
      if (fault.kind === 'stall' && fault.thenCut) each(proxies, (proxy) => proxy.cut());
      return each(proxies, (proxy) => proxy.heal());
    }
    case 'refuse document': {
      const proxies = links(EVERYONE, 'elasticsearch');
      const spoil = createSpoiler();
      each(proxies, (proxy) => proxy.alter(spoil));
      await pass(fault.forMs);
      return each(proxies, (proxy) => proxy.heal());
    }
    case 'event store': {
      const faults = eventStoreFaults(installation);
      await whileUp(faults.add(fault.wrong));
      await pass(fault.forMs);
      return whileUp(faults.clear());
    }
    case 'cut subscriptions':
      return whileUp(eventStoreFaults(installation).cutSubscriptions(fault.how));
    case 'rebuild':
      return rebuild(fault.projection, recorder, signal);
  }
}

/** Makes of one inference's time what is no number, whenever it is written; the length of what is said stays. */
function createSpoiler(): (chunk: Buffer) => Buffer {
  let chosen: string | undefined;
  return (chunk) => {
    const said = chunk.toString('latin1');
    chosen ??= /"f_createdAt":(\d{13})/.exec(said)?.[1];
    if (chosen === undefined || !said.includes(`"f_createdAt":${chosen}`)) return chunk;
    return Buffer.from(said.replaceAll(`"f_createdAt":${chosen}`, '"f_createdAt":"no number__"'), 'latin1');
  };
}

const eventStoreFaults = ({ environment }: Installation): Faults =>
  connectFaults(environment['EVENTSTORE_FAULTS_URL'] ?? '');

/** It may be down in the same round; then it forgets its faults, too. */
async function whileUp(asking: Promise<unknown>): Promise<void> {
  await asking.catch(() => undefined);
}

let rebuilds = 0;

/** Asked for once, until it is answered: one that is under way already is as good. */
async function rebuild(projection: string, recorder: Recorder, signal: AbortSignal): Promise<void> {
  const command = `rebuild-${++rebuilds}`;
  for (;;) {
    const { outcome } = await recorder.send({
      command,
      what: 'rebuild',
      claim: { type: 'ProjectionRebuildRequested', where: { kind: 'rebuild' } },
      method: 'POST',
      path: `/v1/projections/${projection}/rebuild`,
      payload: {},
      idempotencyKey: command,
      stream: () => projections.stream(projection),
    });
    if (outcome.as !== 'unknown' || signal.aborted) return;
  }
}

/** Whatever the network does, it does no more. */
export async function healAll({ servers, services, environment }: Installation): Promise<void> {
  for (const user of servers.users) for (const server of SERVERS) servers.proxy(user, server).heal();
  for (const one of services.values()) one.thaw();
  await connectFaults(environment['EVENTSTORE_FAULTS_URL'] ?? '').clear();
}
