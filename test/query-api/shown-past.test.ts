// What of the past is shown today: old events as they would be written now, nothing that is erased, no secret.

import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import { catalog } from '#events/catalog.ts';
import type { NewEvent } from '#events/envelope.ts';
import { upcast } from '#events/upcast.ts';
import type { UserState } from '#events/user.ts';
import { ERASED } from '#platform/content/content.ts';
import { createCheckedEventStore } from '#platform/event-store/checked-event-store.ts';
import { createEventCodec } from '#platform/event-store/event-codec.ts';
import { eventLanguage } from '../../compose/event-language.ts';
import { createShownValues } from '../../query-api/audit/shown-values.ts';
import { createPastOfStreams } from '../../query-api/replay/past-of-stream.ts';
import { createShownPast } from '../../query-api/replay/shown-past.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { AS_INVITED, plainContent, plainContents } from '../support/given-projection.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';

const viewer = { tenantId: 'acme', permissions: new Set(['audit:read']), contentBytes: 2_000 };

/** As version 1 of its type wrote it. */
const written = (type: string, data: unknown, eventId: string): NewEvent => ({
  ...createEvent('UserEnabled', {}, { ...ORIGIN, eventId }),
  type,
  data,
  metadata: { ...createEvent('UserEnabled', {}, ORIGIN).metadata, schemaVersion: 1 },
});
const idOf = (n: number) => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;

async function pastOf(stream: string, ...events: readonly NewEvent[]) {
  const store = createMemoryEventStore(() => 1_000);
  await store.append(stream, events, 'no_stream');
  const checked = createCheckedEventStore(store, createEventCodec({ types: catalog, upcast }), eventLanguage);
  return createPastOfStreams({ store: checked, snapshots: { find: async () => undefined } });
}

describe('the past as it is shown', () => {
  it('has keys and sessions of the first version as the present one knows them', async () => {
    const issued = { name: 'old', hash: 'ab'.repeat(32), last4: 'abcd', scopes: [], expiresAt: null };
    const key = await pastOf('apikey-1', written('ApiKeyIssued', issued, idOf(1)));
    const shown = createShownPast(createShownValues(plainContents), viewer);
    expect(await shown.state('apikey-1', (await key.stateAt('apikey-1', 1_000n))?.state)).to.deep.include({
      status: 'active',
      key: {
        ...issued,
        hash: '[secret]',
        models: null,
        personId: null,
        tenantId: 'acme',
        createdBy: ORIGIN.actor,
        createdAt: 1_000,
        requestsPerMinute: null,
        successor: null,
      },
    });

    const session = await pastOf(
      'session-1',
      createEvent('SessionStarted', { userId: 'ada', epoch: 0 }, { ...ORIGIN, eventId: idOf(1) }),
      written('SessionRefreshed', { number: 1 }, idOf(2)),
    );
    const [step] = await session.steps('session-1', 1, 1);
    expect(step?.event.data).to.deep.equal({ number: 1, at: null, replica: null });
    expect(await shown.changes('session-1', step?.before, step?.after)).to.deep.equal([
      { path: '/session/number', op: 'changed', from: 0, to: 1 },
      { path: '/session/refreshedBy', op: 'changed', from: null, to: { at: 1_000, replica: null } },
    ]);
  });

  it('shows that what is personal was erased, and what is left', async () => {
    const stream = 'member-acme-ada';
    const offer = { userId: 'ada', role: 'viewer', expiresAt: 9, ...AS_INVITED };
    const past = await pastOf(stream, createEvent('MembershipOffered', offer, ORIGIN));
    const [step] = await past.steps(stream, 0, 0);
    const shownWith = (contents: typeof plainContents) => createShownPast(createShownValues(contents), viewer);
    const before = await shownWith(plainContents).state(stream, step?.after);
    expect(before).to.have.nested.property('member.email', 'ada@example.com');
    const erased = shownWith({ open: () => ERASED });
    expect(await erased.state(stream, step?.after)).to.deep.include({ status: 'offered' });
    expect(await erased.state(stream, step?.after)).to.have.deep.nested.property('member.email', '[erased]');
    expect(await erased.changes(stream, step?.before, step?.after)).to.have.nested.property(
      '[0].to.member.name',
      '[erased]',
    );
    const user = { email: plainContent('ada@example.com'), name: plainContent('Ada'), language: 'en' };
    const invited = createEvent('UserInvited', user, ORIGIN);
    const registered = createEvent(
      'UserRegistered',
      { name: user.name, language: 'en' },
      { ...ORIGIN, eventId: idOf(2) },
    );
    const state = (await (await pastOf('user-ada', invited, registered)).stateAt('user-ada', 1_000n))?.state;
    const { people } = await erased.people({
      people: [{ id: 'ada', state: state as Exclude<UserState, { status: 'absent' }> }],
      sessions: [],
      truncated: false,
    });
    expect(people).to.deep.equal([
      { id: 'ada', name: '[erased]', email: '[erased]', language: 'en', status: 'active' },
    ]);
  });

  it('is nothing where nothing is, and shows one state once', async () => {
    let opened = 0;
    const contents: typeof plainContents = {
      open: (subject, content) => {
        opened++;
        return plainContents.open(subject, content);
      },
    };
    const shown = createShownPast(createShownValues(contents), viewer);
    expect(await shown.state('member-acme-ada', { status: 'absent' })).to.equal(null);
    expect(await shown.state('member-acme-ada', undefined)).to.equal(null);
    const state = { status: 'offered', member: { ...AS_INVITED } };
    const [one, two] = [await shown.state('member-acme-ada', state), await shown.state('member-acme-ada', state)];
    expect(one).to.equal(two);
    expect(opened).to.equal(2);
  });
});
