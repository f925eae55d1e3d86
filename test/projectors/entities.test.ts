import { expect } from 'chai';
import { aggregates } from '#events/aggregates.ts';
import { createEvent } from '#events/create-event.ts';
import type { NewEvent } from '#events/envelope.ts';
import { idOfNumber } from '#platform/search-index/search-index.ts';
import { entitiesReadModel, STILL_THERE } from '../../projectors/entities/read-model.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';
import { AS_INVITED, AS_ISSUED, givenEvents } from '../support/given-projection.ts';
import { APART, FIRST } from '../support/memory-event-store.ts';

/** Where the event stands that was appended after so many others. */
const positionOf = (place: number) => Number(FIRST + APART * BigInt(place));

const history = (stream: string, ...events: readonly NewEvent[]) =>
  events.map((event, revision) => {
    const eventId = `018f0000-0000-7000-8000-0000000002${String(revision).padStart(2, '0')}`;
    return recorded({ ...event, id: eventId }, stream, revision, 1_000 * (revision + 1));
  });

const row = (stream: string, kind: string, { owner = 'acme', last = 0, gone = STILL_THERE } = {}) => ({
  id: idOfNumber(positionOf(0)),
  fields: {
    owner,
    kind,
    stream,
    born: positionOf(0),
    changed: positionOf(last),
    changedAt: 1_000 * (last + 1),
    gone,
  },
});

const offered = createEvent(
  'MembershipOffered',
  { userId: 'ada', role: 'viewer', expiresAt: 9, ...AS_INVITED },
  ORIGIN,
);
const revoked = createEvent('MembershipRevoked', { keys: [] }, ORIGIN);
const defaults = (values: Record<string, string>) => createEvent('ModelDefaultsSet', { defaults: values }, ORIGIN);

describe('the list of entities', () => {
  it('covers all that has a standing, whatever kinds there will be', () => {
    for (const { category, topic, stream, standing } of aggregates) {
      const has = (standing as unknown) !== undefined;
      expect(entitiesReadModel.concerns(stream('a', 'b')), category).to.equal(has);
      if (has) expect(entitiesReadModel.topics).to.include(topic);
    }
  });

  it('has a thing with its tenant from its first event on', async () => {
    const key = history('apikey-1', createEvent('ApiKeyIssued', AS_ISSUED, ORIGIN));
    await givenEvents(entitiesReadModel, ...key).thenRows([row('apikey-1', 'apikey')]);
    const tenant = history('tenant-acme', createEvent('TenantCreated', { name: 'Acme' }, ORIGIN));
    await givenEvents(entitiesReadModel, ...tenant).thenRows([row('tenant-acme', 'tenant')]);
  });

  it('has what a person has with the person', async () => {
    const platform = { ...ORIGIN, tenantId: 'platform' };
    const session = history('session-1', createEvent('SessionStarted', { userId: 'ada', epoch: 1 }, platform));
    await givenEvents(entitiesReadModel, ...session).thenRows([row('session-1', 'session', { owner: 'ada' })]);
    const { email, name, language } = AS_INVITED;
    const user = history('user-ada', createEvent('UserInvited', { email, name, language }, platform));
    await givenEvents(entitiesReadModel, ...user).thenRows([row('user-ada', 'user', { owner: 'ada' })]);
  });

  it('says where a thing left, and that it is there when it has come back', async () => {
    const left = history('member-acme-ada', offered, revoked);
    await givenEvents(entitiesReadModel, ...left).thenRows([
      row('member-acme-ada', 'member', { last: 1, gone: positionOf(1) }),
    ]);
    const back = history('member-acme-ada', offered, revoked, offered);
    await givenEvents(entitiesReadModel, ...back).thenRows([row('member-acme-ada', 'member', { last: 2 })]);
    const again = history('member-acme-ada', offered, revoked, offered, revoked);
    await givenEvents(entitiesReadModel, ...again).thenRows([
      row('member-acme-ada', 'member', { last: 3, gone: positionOf(3) }),
    ]);
  });

  it('goes on telling of what has left, which moves nothing', async () => {
    const key = createEvent('ApiKeyIssued', AS_ISSUED, ORIGIN);
    const limits = createEvent('ApiKeyLimitsSet', { requestsPerMinute: 5 }, ORIGIN);
    const events = history('apikey-1', key, createEvent('ApiKeyRevoked', {}, ORIGIN), limits);
    await givenEvents(entitiesReadModel, ...events).thenRows([
      row('apikey-1', 'apikey', { last: 2, gone: positionOf(1) }),
    ]);
  });

  it("counts a tenant's defaults for the platform's model as its own, though no list of models has them", async () => {
    const some = history('model-acme-m', defaults({ temperature: '1' }));
    await givenEvents(entitiesReadModel, ...some).thenRows([row('model-acme-m', 'model')]);
    const none = history('model-acme-m', defaults({ temperature: '1' }), defaults({}));
    await givenEvents(entitiesReadModel, ...none).thenRows([
      row('model-acme-m', 'model', { last: 1, gone: positionOf(1) }),
    ]);
  });

  it('ignores what comes before a thing is', async () => {
    await givenEvents(entitiesReadModel, ...history('apikey-1', createEvent('ApiKeyRevoked', {}, ORIGIN))).thenRows([]);
  });
});
