import { expect } from 'chai';
import { openKeyUses, readKeyUses } from '#platform/auth/key-uses.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { createQuietLog } from '../support/quiet-log.ts';

describe('when keys were used', () => {
  it('is written once a minute at most for each, and read by their ids', async () => {
    let now = 1_000;
    const memory = createMemoryReadStore();
    const written: string[] = [];
    const store = {
      async put(key: string, value: unknown) {
        written.push(key);
        await memory.put(key, value);
      },
    };
    const use = async (...ids: string[]) => {
      for (const id of ids) uses.note(id);
    };
    const uses = openKeyUses(store, createQuietLog(), () => now);
    await use('a', 'b', 'a');
    await uses.close();
    expect(written).to.have.length(2);
    expect(await readKeyUses(memory, ['b', 'never', 'a'])).to.deep.equal([1_000, undefined, 1_000]);
    now += 59_999;
    await use('a');
    await uses.close();
    expect(written).to.have.length(2);
    now += 1;
    await use('a');
    await uses.close();
    expect(await readKeyUses(memory, ['a', 'b'])).to.deep.equal([61_000, 1_000]);
  });

  it('holds nobody back where it cannot be written, and is said once', async () => {
    const log = createQuietLog();
    const uses = openKeyUses({ put: () => Promise.reject(new Error('disk full')) }, log, () => 0);
    uses.note('a');
    uses.note('b');
    await uses.close();
    expect(log.lines).to.have.length(1);
  });
});
