import { expect } from 'chai';
import { everyReadModel, readModelsOf } from '../../projectors/read-models.ts';
import { givenEvents } from '../support/given-projection.ts';
import { sampleHistories } from '../support/sample-histories.ts';

describe('each read model', () => {
  for (const readModel of everyReadModel) {
    it(`${readModel.name} is the same however its events come, and come again`, async () => {
      const history = sampleHistories[readModel.name];
      if (!history) throw new Error(`test/support/sample-histories.ts has no history for ${readModel.name}`);
      expect(await givenEvents(readModel, ...history).thenMade()).not.to.have.length(0);
    });
  }

  it('has a name of its own, its index too', () => {
    expect(new Set(everyReadModel.map(({ name }) => name)).size).to.equal(everyReadModel.length);
    for (const one of everyReadModel) if (one.kind !== 'document') expect(one.index.name).to.equal(one.name);
  });
});

describe('the read models of an installation', () => {
  const namesOf = (config: Parameters<typeof readModelsOf>[0]) => readModelsOf(config).map(({ name }) => name);

  it('are all of them beside a log on a server', () => {
    expect(namesOf({ eventStoreUrl: 'esdb://log:2113' })).to.deep.equal(everyReadModel.map(({ name }) => name));
  });

  it('have no document for each inference where the log is embedded', () => {
    expect(namesOf({})).to.deep.equal(['standing', 'inferences', 'audit', 'entities', 'notifications']);
  });
});
