// The stand-in's HTTP port for faults.ts. Answers once everything else is up.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { FaultPlan } from './fault-plan.ts';
import type { CallCounts, Fault } from './faults.ts';

export interface Controlled {
  readonly plan: FaultPlan;
  counts(): CallCounts;
  cutSubscriptions(how: 'error' | 'end'): number;
  cutConnections(): void;
  writeSystemEvents(count: number): Promise<void>;
}

export function createControlServer(controlled: Controlled): Server {
  return createServer((request, response) => {
    void answer(controlled, request).then(
      (body) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body)),
      (error: unknown) => response.writeHead(400).end(error instanceof Error ? error.message : String(error)),
    );
  });
}

async function answer(controlled: Controlled, request: IncomingMessage): Promise<object> {
  const body = await readJson(request);
  switch (`${request.method} ${request.url}`) {
    case 'GET /counts':
      return controlled.counts();
    case 'POST /faults':
      controlled.plan.add(body as Fault);
      return {};
    case 'DELETE /faults':
      controlled.plan.clear();
      return {};
    case 'POST /cut-subscriptions':
      return { cut: controlled.cutSubscriptions((body as { how: 'error' | 'end' }).how) };
    case 'POST /cut-connections':
      controlled.cutConnections();
      return {};
    case 'POST /system-events':
      await controlled.writeSystemEvents((body as { count: number }).count);
      return {};
    default:
      throw new Error(`there is no ${request.method} ${request.url}`);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
