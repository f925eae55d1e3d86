import { expect } from 'chai';
import { openSqliteThread } from '#platform/sqlite/sqlite-thread.ts';
import { ThreadEnded } from '#platform/threads/thread-calls.ts';
import { refusal } from '../support/refusal.ts';

const entry = new URL('../support/failing-thread.ts', import.meta.url);

describe('a thread beside a database file', () => {
  it('tells why it cannot be opened', async () => {
    const error = await refusal(Error, openSqliteThread(entry, 'refuse'));
    expect(error.message).to.equal('cannot open refuse');
  });

  it('rejects what was under way when it dies, says of what, and is there again for the next call', async () => {
    const thread = await openSqliteThread(entry, 'settings');
    expect(await thread.call('settings', undefined)).to.equal('settings');
    const waiting = refusal(ThreadEnded, thread.call('never', undefined));
    const ended = await refusal(ThreadEnded, thread.call('die', undefined));
    expect(ended.cause).to.be.instanceOf(Error).with.property('message', 'died of this');
    await waiting;
    expect(await thread.call('settings', undefined)).to.equal('settings');
    await thread.close();
    await thread.close();
    await refusal(Error, thread.call('settings', undefined));
  });
});
