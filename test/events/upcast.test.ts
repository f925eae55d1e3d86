import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import type { Upcasters } from '#events/aggregate.ts';
import { upcast } from '#events/upcast.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';

const event = recorded(createEvent('TenantCreated', { name: 'Acme' }, ORIGIN), 'tenant-1', 0);

describe('upcasting', () => {
  const steps: Upcasters = {
    TenantCreated: [
      (data) => ({ ...(data as object), second: true }),
      (data) => ({ ...(data as object), third: true }),
    ],
  };

  it('takes an old event through every step to the present version', () => {
    const today = upcast(event, steps);
    expect(today.data).to.deep.equal({ name: 'Acme', second: true, third: true });
    expect(today.metadata.schemaVersion).to.equal(3);
    expect(event.data).to.deep.equal({ name: 'Acme' });
  });

  it('takes only the steps that are left', () => {
    const second = { ...event, metadata: { ...event.metadata, schemaVersion: 2 } };
    expect(upcast(second, steps).data).to.deep.equal({ name: 'Acme', third: true });
  });

  it('leaves a present event as it is', () => {
    expect(upcast(event)).to.equal(event);
  });
});
