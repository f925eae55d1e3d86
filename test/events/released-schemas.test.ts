// Every version of every event that was ever released stays readable, both ways (Avro's FULL_TRANSITIVE).

import avro from 'avsc';
import { expect } from 'chai';
import { catalog } from '#events/catalog.ts';
import { readReleasedSchemas } from '#events/released-schemas.ts';

const released = readReleasedSchemas();

describe('released event schemas', () => {
  for (const [type, { schema, version }] of catalog)
    it(`hold ${type} as it is now: a changed schema needs a higher version`, () => {
      const now = released.find((one) => one.type === type && one.version === version);
      expect(now?.schema, `run node cli/schemas.ts for ${type}`).to.deep.equal(JSON.parse(JSON.stringify(schema)));
    });

  for (const one of released)
    it(`are all compatible with ${one.type} version ${one.version}, both ways`, () => {
      const present = catalog.get(one.type);
      expect(present, `${one.type} was released and must not disappear`).not.to.equal(undefined);
      const now = avro.Type.forSchema(present?.schema as avro.Schema);
      const then = avro.Type.forSchema(one.schema as avro.Schema);
      now.createResolver(then);
      then.createResolver(now);
    });

  it('would be found incompatible: a field more without a default', () => {
    const before = avro.Type.forSchema({ type: 'record', name: 'A', fields: [] });
    const after = avro.Type.forSchema({ type: 'record', name: 'A', fields: [{ name: 'x', type: 'string' }] });
    expect(() => after.createResolver(before)).to.throw();
  });
});
