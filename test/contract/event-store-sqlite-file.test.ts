import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { StartError } from '#platform/errors.ts';
import type { AppendRequest } from '#platform/event-store/append-request.ts';
import { AppendOutcomeUnknown, EventStoreBusy, WrongExpectedRevision } from '#platform/event-store/event-store.ts';
import { createGroupCommit } from '#platform/event-store/group-commit.ts';
import { createSqliteAppendLog } from '#platform/event-store/sqlite-append-log.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { openLogWriter, prepareLogFile } from '#platform/event-store/sqlite-log-file.ts';
import { eventually } from '../support/eventually.ts';
import { refusal } from '../support/refusal.ts';
import { someEvent, someEvents } from '../support/some-event.ts';
import { someRequest } from '../support/sqlite-event-store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('event store on node:sqlite: its file', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('is there again when opened again: events, generation, memory of recent ids', async () => {
    const events = someEvents(3);
    const first = await openSqliteEventStore({ folder: folder.path });
    const answer = await first.append('some-stream', events, 'any');
    await first.close();
    const second = await openSqliteEventStore({ folder: folder.path });
    expect(second.generation).to.equal(first.generation);
    expect(await second.append('some-stream', events, 'any')).to.deep.equal(answer);
    expect((await second.readStream('some-stream')).map(({ id }) => id)).to.deep.equal(events.map(({ id }) => id));
    await second.close();
  });

  it('keeps data and metadata as the text they were written as', async () => {
    const store = await openSqliteEventStore({ folder: folder.path });
    const event = someEvent({ b: 1, a: [1.5e3, 'ı\u2028'] });
    await store.append('some-stream', [event], 'no_stream');
    await store.close();
    const db = new DatabaseSync(join(folder.path, 'events.sqlite'), { readOnly: true });
    const row = db.prepare('SELECT data, metadata FROM events').get();
    db.close();
    expect(row).to.deep.include({ data: JSON.stringify(event.data), metadata: JSON.stringify(event.metadata) });
  });

  it('never gives a position twice, even after the newest events were removed', async () => {
    const first = await openSqliteEventStore({ folder: folder.path });
    const { position } = await first.append('some-stream', someEvents(3), 'any');
    await first.close();
    const db = openLogWriter(folder.path);
    db.exec('DELETE FROM events');
    db.close();
    const second = await openSqliteEventStore({ folder: folder.path });
    expect((await second.append('some-stream', someEvents(1), 'no_stream')).position > position).to.equal(true);
    await second.close();
  });

  it('leaves the write-ahead log empty when it closes, and moves it into the file meanwhile', async () => {
    const store = await openSqliteEventStore({ folder: folder.path });
    const file = join(folder.path, 'events.sqlite');
    const text = 'x'.repeat(50_000);
    for (let n = 0; n < 20; n += 1) await store.append(`some-${n}`, [someEvent({ text }), someEvent({ text })], 'any');
    await eventually(async () => expect((await stat(file)).size).to.be.greaterThan(1_900_000));
    await store.close();
    expect(await readdir(folder.path)).to.deep.equal(['events.sqlite']);
  });

  it('refuses a file that a newer program wrote', async () => {
    prepareLogFile(folder.path);
    const db = openLogWriter(folder.path);
    db.exec("UPDATE meta SET value = '99' WHERE name = 'format'");
    db.close();
    const error = await refusal(StartError, openSqliteEventStore({ folder: folder.path }));
    expect(error.code).to.equal('data-is-newer');
    expect(error.message).to.equal(
      'The event log was written by a newer Defter (format 99; this one knows 1): start that one.',
    );
  });

  it('refuses what is no database, and a folder that cannot be one', async () => {
    const [corrupt, blocked] = [join(folder.path, 'corrupt'), join(folder.path, 'blocked')];
    await mkdir(corrupt);
    await writeFile(join(corrupt, 'events.sqlite'), 'this is not a database'.repeat(1_000));
    await writeFile(blocked, 'a file');
    for (const path of [corrupt, blocked]) {
      const error = await refusal(StartError, openSqliteEventStore({ folder: path }));
      expect(error.code).to.equal('data-unusable');
      expect(error.message).to.match(/^The event log .*events\.sqlite cannot be used: [^\n]+\.$/);
    }
  });

  it('refuses a folder it may not write to', async function () {
    // Permissions do not bind the superuser.
    if (process.getuid?.() === 0) this.skip();
    const locked = join(folder.path, 'locked');
    await mkdir(locked, { mode: 0o500 });
    expect((await refusal(StartError, openSqliteEventStore({ folder: locked }))).code).to.equal('data-unusable');
  });
});

describe('event store on node:sqlite: group commit', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let db: DatabaseSync;
  let committed: number;
  beforeEach(async () => {
    folder = await temporaryFolder();
    prepareLogFile(folder.path);
    db = openLogWriter(folder.path);
    committed = 0;
  });
  afterEach(async () => {
    db.close();
    await folder.remove();
  });

  function openAppends() {
    const commits = createGroupCommit(createSqliteAppendLog(db), () => {
      committed += 1;
    });
    return (request: AppendRequest) => commits.append(request);
  }

  function written(): unknown[] {
    return db
      .prepare('SELECT stream FROM events ORDER BY position')
      .all()
      .map((row) => row['stream']);
  }

  it('makes one transaction of what arrives together; one refused leaves its neighbours alone', async () => {
    const append = openAppends();
    const refused = refusal(WrongExpectedRevision, append({ ...someRequest('b'), expected: 7 }));
    const answers = Promise.all([append(someRequest('a')), append(someRequest('c'))]);
    await refused;
    expect((await answers).map(({ revision }) => revision)).to.deep.equal([0, 0]);
    expect(written()).to.deep.equal(['a', 'c']);
    expect(committed).to.equal(1);
  });

  it('commits one by one when SQLite refuses one of a group', async () => {
    const append = openAppends();
    const spoilt = refusal(AppendOutcomeUnknown, append(someRequest('b', null as unknown as string)));
    const repeat = someRequest('a');
    const answers = await Promise.all([append(repeat), append(someRequest('c'))]);
    expect((await spoilt).message).to.match(/NOT NULL constraint failed: events.data/);
    expect(written()).to.deep.equal(['a', 'c']);
    expect(await append(repeat)).to.deep.equal(answers[0]);
  });

  it('goes on after the disk was full', async () => {
    const append = openAppends();
    await append(someRequest('a'));
    db.exec('PRAGMA max_page_count = 1');
    await Promise.all(
      [1, 2].map((n) => refusal(AppendOutcomeUnknown, append(someRequest(`b${n}`, 'x'.repeat(60_000))))),
    );
    db.exec('PRAGMA max_page_count = 1000000');
    await append(someRequest('c'));
    expect(written()).to.deep.equal(['a', 'c']);
  });

  it('says that it is busy while another process holds the file, and that nothing was written', async () => {
    const append = openAppends();
    const other = openLogWriter(folder.path);
    db.exec('PRAGMA busy_timeout = 10');
    other.exec('BEGIN IMMEDIATE');
    await refusal(EventStoreBusy, append(someRequest('a')));
    other.exec('ROLLBACK');
    other.close();
    await append(someRequest('b'));
    expect(written()).to.deep.equal(['b']);
  });

  it('knows what another process wrote to a stream, and its recent ids', async () => {
    const append = openAppends();
    await append(someRequest('a'));
    const other = openLogWriter(folder.path);
    const theirs = someRequest('a');
    const answer = await createGroupCommit(createSqliteAppendLog(other), () => {}).append(theirs);
    other.close();
    expect(answer.revision).to.equal(1);
    expect(await append(theirs)).to.deep.equal(answer);
    expect((await append({ ...someRequest('a'), expected: 1 })).revision).to.equal(2);
  });
});
