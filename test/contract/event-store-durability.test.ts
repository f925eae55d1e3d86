import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { someEvent } from '../support/some-event.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const script = fileURLToPath(new URL('../support/append-until-killed.ts', import.meta.url));

interface Acknowledged {
  readonly stream: string;
  readonly revision: number;
  readonly ids: readonly string[];
}

/** Kills the process when it has acknowledged enough; answers all that it acknowledged. */
async function appendUntilKilled(
  folder: string,
  prefix: string,
  enough: (acknowledged: number) => boolean,
): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [script, folder, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [stream, revision, ids] = line.split(' ');
    // The last line may have been cut.
    if (!stream || !revision || ids?.split(',').at(-1)?.length !== 36) continue;
    acknowledged.push({ stream, revision: Number(revision), ids: ids.split(',') });
    if (enough(acknowledged.length)) child.kill('SIGKILL');
  }
  const [, signal] = (await ended) as [number | null, string | null];
  expect(signal).to.equal('SIGKILL');
  return acknowledged;
}

async function wholeLog(store: EventStore): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const page = await store.readAll(events.at(-1)?.position ?? 0n, 1_000);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

function expectEachOnce(log: readonly RecordedEvent[], acknowledged: readonly Acknowledged[]): void {
  const byId = new Map(log.map((event) => [event.id, event]));
  expect(byId.size).to.equal(log.length);
  for (const { stream, revision, ids } of acknowledged) {
    for (const [at, id] of ids.entries()) {
      expect(byId.get(id)).to.include({ stream, revision: revision - ids.length + 1 + at });
    }
  }
}

function expectNoneHalf(log: readonly RecordedEvent[]): void {
  const found = Map.groupBy(log, ({ data }) => (data as { append: string }).append);
  for (const parts of found.values()) {
    for (const { data } of parts) expect(parts).to.have.length((data as { parts: number }).parts);
  }
}

function expectDense(log: readonly RecordedEvent[]): void {
  const next = new Map<string, number>();
  for (const { stream, revision } of log) {
    expect(revision).to.equal(next.get(stream) ?? 0);
    next.set(stream, revision + 1);
  }
}

describe('event store on node:sqlite: durability', function () {
  this.timeout(60_000);

  it('has every acknowledged append once and none half, however often its process is killed', async () => {
    const folder = await temporaryFolder();
    const acknowledged: Acknowledged[] = [];
    for (let round = 0; round < 4; round += 1) {
      const many = 1 + Math.floor(Math.random() * 300);
      // Streams of the last round go on.
      acknowledged.push(...(await appendUntilKilled(folder.path, `round-${round >> 1}`, (count) => count >= many)));
    }
    const store = await openSqliteEventStore({ folder: folder.path });
    const log = await wholeLog(store);
    await store.close();
    expect(acknowledged.length).to.be.greaterThan(3);
    expectEachOnce(log, acknowledged);
    expectNoneHalf(log);
    expectDense(log);
    await folder.remove();
  });

  it('shares its file with another process: both append, each sees the other', async () => {
    const folder = await temporaryFolder();
    const store = await openSqliteEventStore({ folder: folder.path });
    const abort = new AbortController();
    const seen: string[] = [];
    let replies = 0;
    const subscribed = (async () => {
      for await (const chunk of store.subscribeAll(0n, abort.signal)) {
        seen.push(...chunk.map(({ id }) => id));
        // To a stream that the other process is writing too.
        await store.append('shared-0', [someEvent({ append: `reply-${replies}`, parts: 1 })], 'any');
        replies += 1;
      }
    })();
    const enough = (count: number) => count >= 200 && replies >= 5;
    const acknowledged = await appendUntilKilled(folder.path, 'shared', enough);
    const log = await wholeLog(store);
    abort.abort();
    await subscribed;
    await store.close();
    expectEachOnce(log, acknowledged);
    expectNoneHalf(log);
    expectDense(log);
    expect(log.filter(({ data }) => (data as { append: string }).append.startsWith('reply-'))).to.have.length.at.least(
      5,
    );
    expect(seen).to.deep.equal(log.slice(0, seen.length).map(({ id }) => id));
    await folder.remove();
  });
});
