import { expect } from 'chai';
import { createEvent } from '#events/create-event.ts';
import type { RecordedEvent } from '#events/envelope.ts';
import { ERASED } from '#platform/content/content.ts';
import type { Hit } from '#platform/search-index/search-index.ts';
import { SealBroken } from '#platform/vault/sealing.ts';
import { createNameOpener } from '../../projectors/audit/open-names.ts';
import { auditReadModel } from '../../projectors/audit/read-model.ts';
import { wordsOf } from '../../projectors/audit/words-of.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';
import { AS_ISSUED, givenEvents, plainContent, plainContents } from '../support/given-projection.ts';

const invited = recorded(
  createEvent(
    'UserInvited',
    { email: plainContent('ada@example.com'), name: plainContent('Şükrü'), language: 'tr' },
    ORIGIN,
  ),
  'user-u1',
  0,
);
const password = recorded(
  createEvent('PasswordSet', { hash: plainContent('argon'), mustChange: false, keptSession: null }, ORIGIN),
  'user-u1',
  1,
);
const issued = recorded(createEvent('ApiKeyIssued', AS_ISSUED, ORIGIN), 'apikey-k7', 0);
const suspended = recorded(createEvent('TenantSuspended', { reason: 'Unpaid bills' }, ORIGIN), 'tenant-acme', 0);
const defaults = recorded(
  createEvent('ModelDefaultsSet', { defaults: { temperature: '0.25' } }, ORIGIN),
  'model-acme-tiny-writer',
  0,
);
const cancelled = recorded(createEvent('InferenceCancelled', {}, ORIGIN), 'inference-1', 0);
const read = recorded(
  createEvent('AuditRead', { route: 'listAudit', query: plainContent({ q: 'ada' }), tenant: null }, ORIGIN),
  'access-acme-2026-08-01',
  0,
);

const open = createNameOpener(plainContents);
const words = async (event: RecordedEvent) => wordsOf(await open(event));

describe('the words that an event is found by', () => {
  it('are names, addresses, reasons, settings and ids', async () => {
    expect(await words(invited)).to.equal('u1 ada example com sukru tr');
    expect(await words(suspended)).to.equal('acme unpaid bills');
    expect(await words(defaults)).to.equal('acme tiny writer temperature 0 25');
    expect(await words(issued)).to.equal('k7 ci wxyz inference read');
  });

  it('are no secrets, nothing of an inference, and not what was looked for', async () => {
    expect(await words(password)).to.equal('u1');
    expect(await words(cancelled)).to.equal(null);
    expect(await words(read)).to.equal(null);
  });

  it('are nothing of what was erased or altered', async () => {
    const erased = createNameOpener({ open: () => ERASED });
    expect(wordsOf(await erased(invited))).to.equal('u1 tr');
    const altered = createNameOpener({ open: () => Promise.reject(new SealBroken('altered')) });
    expect(wordsOf(await altered(invited))).to.equal('u1 tr');
  });

  it('find it, and none that was not meant', async () => {
    const given = givenEvents(auditReadModel, invited, issued, suspended, read);
    const made = (await given.thenMade()) as Hit[];
    const idOf = (type: string) => made.filter(({ fields }) => fields['type'] === type).map(({ id }) => id);
    await given.thenFound({ field: 'words', words: ['ada', 'suk*'] }, idOf('UserInvited'));
    await given.thenFound({ field: 'words', words: ['unpaid'] }, idOf('TenantSuspended'));
    await given.thenFound({ field: 'words', words: ['listaudit'] }, []);
  });
});
