import { expect } from 'chai';
import { loadDeadLetters } from '#platform/bus/dead-letters.ts';
import { type LetterRequest, startLetterRequests } from '#platform/bus/letter-requests.ts';
import { deadLetterId, listDeadLetters, readDeadLetterId } from '#platform/bus/dead-letter-rows.ts';
import { eventually } from '../support/eventually.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { createQuietLog } from '../support/quiet-log.ts';

const failure = { eventId: 'e', error: 'x', attempts: 3 };

describe('requests for dead letters', () => {
  it('are answered by the member that owns the stream, and by the next one when it changes hands', async () => {
    const store = createMemoryReadStore();
    const requests: LetterRequest[] = [];
    const taken: string[] = [];
    let owner = 'a';
    const member = async (name: string) => {
      const letters = await loadDeadLetters(store, 'group');
      const following = startLetterRequests({
        source: { since: async (request) => requests.filter((one) => one.request > request) },
        group: 'group',
        letters,
        owns: () => owner === name,
        takeUp: async (stream) => {
          taken.push(`${name} ${stream}`);
          await letters.release(stream);
        },
        log: createQuietLog(),
        everyMs: 5,
      });
      return { letters, following };
    };
    const first = await loadDeadLetters(store, 'group');
    await first.park({ stream: 's-1', revision: 0, ...failure });
    const a = await member('a');
    const b = await member('b');
    requests.push({ request: 0, stream: 's-1', revision: 0, kind: 'retry' });
    await eventually(() => expect(taken).to.deep.equal(['a s-1']));

    await a.letters.park({ stream: 's-2', revision: 7, ...failure });
    owner = 'b';
    requests.push({ request: 1, stream: 's-2', revision: 7, kind: 'retry' });
    // b was assigned the partition before it knew of the letter.
    await b.letters.reload();
    b.following.again();
    await eventually(() => expect(taken).to.deep.equal(['a s-1', 'b s-2']));
    await Promise.all([a.following.stop(), b.following.stop()]);
    expect(taken).to.have.length(2);
  });

  it('name letters by ids that say what they are of, and nothing else is an id', () => {
    const letter = { group: 'audit.2', stream: 'model-acme-a/b|ç', revision: 12 };
    expect(deadLetterId(letter)).to.match(/^[\w-]+$/);
    expect(readDeadLetterId(deadLetterId(letter))).to.deep.equal(letter);
    for (const text of ['', 'x', 'WzFd', Buffer.from('["a","b","c"]').toString('base64url')])
      expect(readDeadLetterId(text)).to.equal(undefined);
  });
});

describe('the rows of dead letters', () => {
  it('are listed by page, of all groups, of one, or of all versions of a projection', async () => {
    const store = createMemoryReadStore();
    for (const group of ['audit.1', 'audit.2', 'auditors', 'mail'])
      for (const stream of ['s-1', 's-2'])
        await (await loadDeadLetters(store, group)).park({ stream, revision: 0, ...failure });
    const names = async (query: Parameters<typeof listDeadLetters>[1]) =>
      (await listDeadLetters(store, query)).map(({ group, stream }) => `${group} ${stream}`);
    expect(await names({ limit: 100 })).to.have.length(8);
    expect(await names({ limit: 100, group: 'audit' })).to.deep.equal([
      'audit.1 s-1',
      'audit.1 s-2',
      'audit.2 s-1',
      'audit.2 s-2',
    ]);
    expect(await names({ limit: 100, group: 'mail' })).to.deep.equal(['mail s-1', 'mail s-2']);
    const first = await names({ limit: 3 });
    const [group = '', stream = ''] = first.at(-1)?.split(' ') ?? [];
    const second = await names({ limit: 100, after: { group, stream } });
    expect([...first, ...second]).to.deep.equal(await names({ limit: 100 }));
  });
});
