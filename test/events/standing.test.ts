import { expect } from 'chai';
import { apiKeys } from '#events/api-key.ts';
import { createEvent } from '#events/create-event.ts';
import { members } from '#events/member.ts';
import { type Standing, evolveStanding, listingsOf, standingDocument } from '#events/standing.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';
import { AS_INVITED, AS_ISSUED } from '../support/given-projection.ts';

const fold = (stream: string, ...events: Parameters<typeof recorded>[0][]) =>
  events
    .map((event, revision) => recorded(event, stream, revision))
    .reduce<Standing | undefined>(evolveStanding, undefined);

const key = fold('apikey-1', createEvent('ApiKeyIssued', AS_ISSUED, ORIGIN));
const revoked = fold(
  'apikey-1',
  createEvent('ApiKeyIssued', AS_ISSUED, ORIGIN),
  createEvent('ApiKeyRevoked', {}, ORIGIN),
);

describe('standing', () => {
  it('is listed with its tenant while it lives', () => {
    const set = apiKeys.list('acme');
    expect(listingsOf('apikey-1', key as Standing)).to.deep.equal([{ set, member: 'apikey-1', score: 1_000 }]);
    expect(listingsOf('apikey-1', revoked as Standing)).to.deep.equal([{ set, member: 'apikey-1', score: null }]);
  });

  it('is listed with the person who made the key too, a membership with its tenant and its person', () => {
    const made = fold('apikey-1', createEvent('ApiKeyIssued', { ...AS_ISSUED, personId: 'ada' }, ORIGIN));
    expect(listingsOf('apikey-1', made as Standing)).to.deep.equal(
      ['acme', 'ada'].map((owner) => ({ set: apiKeys.list(owner), member: 'apikey-1', score: 1_000 })),
    );
    const offer = { userId: 'ada', role: 'viewer', expiresAt: 9, ...AS_INVITED };
    const part = fold('member-acme-ada', createEvent('MembershipOffered', offer, ORIGIN));
    expect(listingsOf('member-acme-ada', part as Standing)).to.deep.equal(
      ['acme', 'ada'].map((owner) => ({ set: members.list(owner), member: 'member-acme-ada', score: 1_000 })),
    );
  });

  it('makes the same document for the command and the projector', () => {
    expect(standingDocument('apikey-1', 1, revoked as Standing)).to.deep.equal({
      key: 'standing:apikey-1',
      revision: 1,
      value: revoked,
      members: [{ set: apiKeys.list('acme'), member: 'apikey-1', score: null }],
    });
  });

  it('ignores streams that have none', () => {
    expect(fold('inference-1', createEvent('TenantCreated', { name: 'x' }, ORIGIN))).to.equal(undefined);
  });
});
