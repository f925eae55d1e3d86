// Which mails events lead to, over a log in memory.

import { createSecretKey, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { EMAIL_CHANGE_MS, PASSWORD_RESET_MS } from '#events/mail-link.ts';
import { linkTokenFits, readLinkToken } from '#platform/auth/link-token.ts';
import type { SealedContent } from '#platform/content/content.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { newId } from '#platform/new-id.ts';
import { createMailFacts } from '../../workers/mail/mail-facts.ts';
import { createMailOfEvent, mayBeMailed } from '../../workers/mail/mail-of-event.ts';
import { ORIGIN } from '../support/given-decider.ts';
import { AS_INVITED, plainContent, plainContents } from '../support/given-projection.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';

const BEGIN = Date.UTC(2026, 10, 28);
const USER = 'user-u1';
const MEMBER = 'member-acme-u1';
const DAY = 24 * 3_600_000;
/** As content is once its key is gone. */
const ERASED: SealedContent = { ...plainContent(''), sealed: null };

const serverKey = createSecretKey(randomBytes(32));

describe('the mail of an event', () => {
  let now: number;
  let store: EventStore;
  beforeEach(() => {
    now = BEGIN;
    store = createMemoryEventStore(() => now);
  });

  const mailOf = (event: RecordedEvent) =>
    createMailOfEvent({
      facts: createMailFacts({
        store,
        contents: plainContents,
        snapshots: { find: async () => undefined, has: () => false, keep: async () => undefined },
      }),
      serverKey,
      publicUrl: 'https://defter.example',
      now: () => now,
    })(event);

  /** Appends, and answers the last of them as the log has it. */
  async function happened(stream: string, ...events: readonly NewEvent[]): Promise<RecordedEvent> {
    const { revision } = await store.append(stream, events, 'any');
    const [last] = await store.readStream(stream, { from: revision });
    expect(mayBeMailed(last!)).to.be.a('boolean');
    return last!;
  }
  const origin = () => ({ ...ORIGIN, eventId: newId() });
  const invited = (parts: { email?: string; name?: string | null; language?: string } = {}) => {
    const { email = 'ada@example.com', name = null, language = 'en' } = parts;
    return createEvent('UserInvited', { email: plainContent(email), name: plainContent(name), language }, origin());
  };
  const registered = (name = 'Ada', language = 'en') =>
    createEvent('UserRegistered', { name: plainContent(name), language }, origin());
  const passwordSet = (mustChange = false) =>
    createEvent('PasswordSet', { hash: plainContent('hash'), mustChange, keptSession: null }, origin());
  const passwordReset = () => createEvent('PasswordReset', { hash: plainContent('hash 2') }, origin());
  const asked = () => createEvent('PasswordResetRequested', {}, origin());
  const askedForEmail = (email: string) =>
    createEvent('EmailChangeRequested', { email: plainContent(email) }, origin());
  const disabled = () => createEvent('UserDisabled', {}, origin());

  /** A person with an account. */
  const account = () => happened(USER, invited(), registered(), passwordSet());

  const tokenIn = (text: string, path: string) =>
    readLinkToken(new RegExp(`^https://defter\\.example/${path}#(\\S+)$`, 'm').exec(text)?.[1] ?? '');

  describe('of a forgotten password', () => {
    it('carries a link that is derived from the event, to the address of the account', async () => {
      await account();
      const event = await happened(USER, asked());
      const mail = await mailOf(event);
      expect(mail).to.include({ id: event.id, to: 'ada@example.com', subject: 'Set a new password for Defter' });
      const token = tokenIn(mail!.text, 'reset')!;
      expect(token).to.include({ purpose: 'password-reset', subject: 'u1' });
      expect(linkTokenFits(serverKey, token, event.id)).to.equal(true);
      expect(mail!.html).to.include(token.mac);
      expect(mail!.text).to.include('Hello Ada,').and.to.include('00:30 UTC');
    });

    it('is in the language of the person', async () => {
      await happened(USER, invited(), registered('İbrahim', 'tr'), passwordSet());
      expect((await mailOf(await happened(USER, asked())))?.text).to.include('Merhaba İbrahim,');
    });

    it('is the same mail however often it is made', async () => {
      await account();
      const event = await happened(USER, asked());
      expect(await mailOf(event)).to.deep.equal(await mailOf(event));
    });

    for (const [why, events, afterMs] of [
      ['a newer one was asked for', [asked()], 0],
      ['it was used', [passwordReset()], 0],
      ['the password was changed meanwhile', [passwordSet()], 0],
      ['the person was disabled', [disabled()], 0],
      ['its time is over', [], PASSWORD_RESET_MS],
    ] as const)
      it(`is not sent once ${why}`, async () => {
        await account();
        const event = await happened(USER, asked());
        now += afterMs;
        if (events.length > 0) await happened(USER, ...events);
        expect(await mailOf(event)).to.equal(undefined);
      });

    it('is sent up to the last moment', async () => {
      await account();
      const event = await happened(USER, asked());
      now += PASSWORD_RESET_MS - 1;
      expect(await mailOf(event)).to.include({ to: 'ada@example.com' });
    });

    it('is not sent to one who was invited and has no account', async () => {
      await happened(USER, invited());
      expect(await mailOf(await happened(USER, asked()))).to.equal(undefined);
    });
  });

  describe('of another address', () => {
    it('goes to that address', async () => {
      await account();
      const event = await happened(USER, askedForEmail('new@example.com'));
      const mail = await mailOf(event);
      expect(mail).to.include({ to: 'new@example.com', subject: 'Confirm your new e-mail address for Defter' });
      expect(tokenIn(mail!.text, 'confirm-email')).to.include({ purpose: 'email-change', subject: 'u1' });
    });

    it('is not sent once it was confirmed, voided by another, or a day old', async () => {
      await account();
      const first = await happened(USER, askedForEmail('a@example.com'));
      const second = await happened(USER, askedForEmail('b@example.com'));
      expect(await mailOf(first)).to.equal(undefined);
      await happened(USER, createEvent('EmailChanged', { email: plainContent('b@example.com') }, origin()));
      expect(await mailOf(second)).to.equal(undefined);
      const third = await happened(USER, askedForEmail('c@example.com'));
      now += EMAIL_CHANGE_MS;
      expect(await mailOf(third)).to.equal(undefined);
    });
  });

  describe('of an invitation', () => {
    const offered = (role = 'member') =>
      createEvent(
        'MembershipOffered',
        { userId: 'u1', role, expiresAt: BEGIN + 7 * DAY, ...AS_INVITED },
        { ...origin(), tenantId: 'acme' },
      );
    beforeEach(() => happened('tenant-acme', createEvent('TenantCreated', { name: 'Acme & Söhne' }, origin())));

    it('says to what and as what, with a link for this tenant and person', async () => {
      await happened(USER, invited({ name: 'Ada' }));
      const event = await happened(MEMBER, offered('viewer'));
      const mail = await mailOf(event);
      expect(mail).to.include({ to: 'ada@example.com', subject: 'You are invited to Acme & Söhne on Defter' });
      expect(mail!.text).to.include('Hello Ada,').and.to.include('as a viewer').and.to.include('5 December 2026');
      const token = tokenIn(mail!.text, 'invitation')!;
      expect(token).to.include({ purpose: 'invitation', subject: 'acme/u1' });
      expect(linkTokenFits(serverKey, token, event.id)).to.equal(true);
    });

    it('reaches one who has an account as well, and one whose name nobody said', async () => {
      await happened(USER, invited({ language: 'tr' }));
      expect((await mailOf(await happened(MEMBER, offered())))?.text).to.match(/^Merhaba,\n/);
      await happened(USER, registered(), passwordSet());
      expect((await mailOf(await happened(MEMBER, offered())))?.text).to.match(/^Hello Ada,\n/);
    });

    it('goes to the address as this tenant wrote it, and to one with an account at theirs', async () => {
      await happened(USER, invited({ email: 'ADA@example.com' }));
      expect(await mailOf(await happened(MEMBER, offered()))).to.include({ to: 'ada@example.com' });
      await happened(USER, registered(), passwordSet());
      expect(await mailOf(await happened(MEMBER, offered()))).to.include({ to: 'ADA@example.com' });
    });

    for (const [why, stream, event, afterMs] of [
      ['it was sent again', MEMBER, offered(), 0],
      ['it was accepted', MEMBER, createEvent('MembershipAccepted', {}, origin()), 0],
      ['it was taken back', MEMBER, createEvent('MembershipRevoked', { keys: [] }, origin()), 0],
      ['the person was disabled', USER, disabled(), 0],
      ['the tenant was suspended', 'tenant-acme', createEvent('TenantSuspended', { reason: '' }, origin()), 0],
      ['its time is over', undefined, undefined, 7 * DAY],
    ] as const)
      it(`is not sent once ${why}`, async () => {
        await happened(USER, invited());
        const offer = await happened(MEMBER, offered());
        now += afterMs;
        if (stream !== undefined) await happened(stream, event);
        expect(await mailOf(offer)).to.equal(undefined);
      });
  });

  describe('of a new password', () => {
    it('tells of each but the first, which its owner has just set', async () => {
      expect(await mailOf(await account())).to.equal(undefined);
      for (const event of [passwordSet(), passwordSet(true), passwordReset()]) {
        const mail = await mailOf(await happened(USER, event));
        expect(mail).to.include({ to: 'ada@example.com', subject: 'Your password for Defter was changed' });
        expect(mail!.text).to.include('https://defter.example/forgot').and.not.to.include('#');
      }
    });

    it('goes to the address that was the account’s then', async () => {
      await account();
      const event = await happened(USER, passwordSet());
      await happened(USER, createEvent('EmailChanged', { email: plainContent('thief@example.com') }, origin()));
      expect(await mailOf(event)).to.include({ to: 'ada@example.com' });
    });

    it('is no news after a day', async () => {
      await account();
      const event = await happened(USER, passwordSet());
      now += DAY;
      expect(await mailOf(event)).to.equal(undefined);
    });
  });

  it('of another address tells the old one', async () => {
    await account();
    await happened(USER, askedForEmail('new@example.com'));
    const changed = createEvent('EmailChanged', { email: plainContent('new@example.com') }, origin());
    const mail = await mailOf(await happened(USER, changed));
    expect(mail).to.include({ to: 'ada@example.com', subject: 'Your e-mail address for Defter was changed' });
    expect(mail!.text).not.to.include('new@example.com');
  });

  it('is none where the person was erased', async () => {
    const gone = createEvent('UserInvited', { email: ERASED, name: ERASED, language: 'en' }, origin());
    await happened(USER, gone, registered(), passwordSet());
    expect(await mailOf(await happened(USER, asked()))).to.equal(undefined);
    expect(await mailOf(await happened(USER, passwordSet()))).to.equal(undefined);
  });
});
