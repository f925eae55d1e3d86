import { expect } from 'chai';
import { allRoutes } from '#contracts/all-routes.ts';
import { createMisdirected, requireAllBound } from '../../compose/service-app.ts';

describe('the HTTP face of a process', () => {
  it('is refused when a contract has no handler, by name', () => {
    expect(() => requireAllBound(createMisdirected('command'))).to.throw(
      /^no handler is bound to .*\bsubmitInference\b/,
    );
    expect(() => requireAllBound(createMisdirected('command'))).not.to.throw(/\blistModels\b/);
  });

  it('answers each contract once on either side', () => {
    const bound = [...createMisdirected('command'), ...createMisdirected('query')];
    requireAllBound(bound);
    expect(bound.map(({ route }) => route.id)).to.have.members(allRoutes.map(({ id }) => id));
  });
});
