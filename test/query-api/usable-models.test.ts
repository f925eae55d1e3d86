import { expect } from 'chai';
import { namesToCompare } from '../../query-api/models/usable-models.ts';

describe('the names that a name that there is not is compared with', () => {
  it('cost a caller who misspells one no more than as many documents as are compared', async () => {
    const asked: number[] = [];
    const found = await namesToCompare(
      {
        range: async (set, { limit }) => {
          const members = Array.from({ length: limit }, (_, n) => ({ member: `model-${set}-${n}`, score: n }));
          return members;
        },
        async get(keys) {
          asked.push(keys.length);
          return keys.map(() => undefined);
        },
      },
      'acme',
    );
    expect(found).to.deep.equal([]);
    expect(asked).to.deep.equal([200, 200]);
  });
});
