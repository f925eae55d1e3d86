// A process of its own that applies batches to the read store of a folder until it is killed. Each batch moves the same
// documents, a member, a counter and a position to the next number, and is told on stdout once it is acknowledged.
// With `count` it stops after so many batches, each under a revision of its own, and adds one to the counter `shared`.

import { openSqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';

const [folder = '', name = '', count = 'Infinity'] = process.argv.slice(2);
const end = Number(count);
const store = await openSqliteReadStore({ folder, writes: 'here' });
const first = Number((await store.positions(name)).get('t/0') ?? -1n) + 1;
for (let number = first; number < end; number++) {
  await store.apply(
    Array.from({ length: 10 }, (_, i) => ({
      key: `${name}:${i}`,
      revision: number,
      value: { number, padding: 'x'.repeat((number * 37) % 3_000) },
      members: [{ set: name, member: `m${i}`, score: number }],
      counts: [
        { counter: name, by: 1 },
        { counter: 'shared', by: 1 },
      ],
    })),
    { projection: name, positions: new Map([['t/0', BigInt(number)]]) },
  );
  process.stdout.write(`${number}\n`);
}
await store.close();
