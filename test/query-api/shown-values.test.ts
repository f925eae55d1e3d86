import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { aggregates } from '#events/aggregates.ts';
import { createEvent, type Origin } from '#events/create-event.ts';
import { users } from '#events/user.ts';
import { inferences } from '#events/inference.ts';
import { createBlobs } from '#platform/blobs/blobs.ts';
import { openFolderBlobStore } from '#platform/blobs/folder-blob-store.ts';
import { type Contents, createContents, INLINE_BYTES } from '#platform/content/content.ts';
import { createOriginSealer } from '#platform/content/seal-origin.ts';
import { type Keyring, openKeyring } from '#platform/vault/keyring.ts';
import { CONTENT_BYTES, createShownValues, type ShownValues, type Viewer } from '../../query-api/audit/shown-values.ts';
import { ORIGIN, recorded } from '../support/given-decider.ts';
import { createMemoryVault } from '../support/memory-vault.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const viewer = (...permissions: readonly string[]): Viewer => ({
  tenantId: 'acme',
  permissions: new Set(permissions),
  contentBytes: CONTENT_BYTES.list,
});
const reader = viewer('audit:read', 'inference:read');
const auditor = viewer('audit:read');

describe('what is shown of events and states', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let keyring: Keyring;
  let contents: Contents;
  let shown: ShownValues;

  before(async () => {
    folder = await temporaryFolder();
    keyring = await openKeyring({ vault: createMemoryVault(), masterKey: randomBytes(32) });
    for (const subject of ['acme', 'other', 'ada', 'gone']) await keyring.createSubject(subject);
    contents = createContents({
      keyring,
      blobs: createBlobs({ store: await openFolderBlobStore(folder.path), keyring }),
    });
    shown = createShownValues(contents);
  });

  after(async () => {
    keyring.close();
    await folder.remove();
  });

  const requested = async (tenant: string, input: unknown) =>
    recorded(
      createEvent(
        'InferenceRequested',
        {
          model: 'm',
          modelOwner: tenant,
          form: 'input',
          input: await contents.seal(tenant, input),
          parameters: { constructor: '1' },
          deadline: 9,
        },
        { ...ORIGIN, tenantId: tenant },
      ),
      'inference-1',
      0,
    );

  const invited = async (subject: string) =>
    createEvent(
      'UserInvited',
      {
        email: await contents.seal(subject, 'ada@example.com'),
        name: await contents.seal(subject, null),
        language: 'tr',
      },
      ORIGIN,
    );
  const withPassword = async (subject: string) =>
    createEvent(
      'PasswordSet',
      { hash: await contents.seal(subject, '$argon2id$'), mustChange: false, keptSession: null },
      ORIGIN,
    );

  it('content only to who may read inferences in its tenant, and no longer than fits a list', async () => {
    const of = async (tenant: string, input: unknown, by: Viewer) =>
      ((await shown.eventData(await requested(tenant, input), by)) as { input: unknown }).input;
    expect(await of('acme', { text: 'hello' }, reader)).to.deep.equal({ text: 'hello' });
    expect(await of('acme', 'hello', auditor)).to.equal('[content]');
    expect(await of('other', 'hello', reader)).to.equal('[content]');
    expect(await of('acme', 'x'.repeat(CONTENT_BYTES.list - 2), reader)).to.have.length(CONTENT_BYTES.list - 2);
    expect(await of('acme', 'x'.repeat(CONTENT_BYTES.list - 1), reader)).to.equal('[content]');
    const long = 'y'.repeat(INLINE_BYTES + 1);
    expect(await of('acme', long, { ...reader, contentBytes: CONTENT_BYTES.one })).to.equal(long);
    const { parameters } = (await shown.eventData(await requested('acme', 1), reader)) as { parameters: unknown };
    expect(parameters).to.deep.equal({ constructor: '1' });
  });

  it('secrets to nobody, sealed or not, in events and in states', async () => {
    const all = { ...reader, permissions: new Set(['audit:read', 'inference:read', 'platform']) };
    const set = recorded(await withPassword('ada'), 'user-ada', 1);
    expect(await shown.eventData(set, all)).to.deep.equal({ hash: '[secret]', mustChange: false, keptSession: null });
    const key = { name: 'ci', hash: 'ab', last4: 'wxyz', scopes: [], expiresAt: null, models: null, personId: null };
    const issued = recorded(createEvent('ApiKeyIssued', key, ORIGIN), 'apikey-1', 0);
    expect(await shown.eventData(issued, all)).to.deep.equal({ ...key, hash: '[secret]' });
    const state = [recorded(await invited('ada'), 'user-ada', 0), set].reduce(users.evolve, users.initial);
    const seen = (await shown.stateOf('user-ada', state, all)) as { user: Record<string, unknown> };
    expect(seen.user).to.include({ email: 'ada@example.com', name: null, hash: '[secret]' });
    const nobody = users.evolve(users.initial, recorded(await invited('ada'), 'user-ada', 0));
    expect(await shown.stateOf('user-ada', nobody, all)).to.have.nested.property('user.hash', null);
  });

  it('what is a person’s to whoever may see it, until it is erased', async () => {
    const event = recorded(await invited('gone'), 'user-gone', 0);
    expect(await shown.eventData(event, auditor)).to.include({ email: 'ada@example.com', name: null });
    const origin: Origin = {
      ...ORIGIN,
      sealedOrigin: await createOriginSealer(keyring)('gone', { address: '127.0.0.1', client: 'curl' }),
    };
    const from = recorded(createEvent('TenantReinstated', {}, origin), 'tenant-acme', 1);
    expect(await shown.originOf(from)).to.deep.equal({ address: '127.0.0.1', client: 'curl' });
    await keyring.eraseSubject('gone');
    expect(await shown.eventData(event, auditor)).to.include({ email: '[erased]', name: '[erased]', language: 'tr' });
    expect(await shown.originOf(from)).to.equal('[erased]');
    expect(await shown.originOf(recorded(createEvent('TenantReinstated', {}, ORIGIN), 'tenant-acme', 1))).to.equal(
      null,
    );
  });

  it('the contents in a state by the names that its events gave them', async () => {
    const state = inferences.evolve(inferences.initial, await requested('acme', 'hello'));
    expect(await shown.stateOf('inference-1', state, reader)).to.have.nested.property('request.data.input', 'hello');
    expect(await shown.stateOf('inference-1', state, auditor)).to.have.nested.property(
      'request.data.input',
      '[content]',
    );
  });

  it('the rest of an event of which a part was altered or lost', async () => {
    const event = await requested('acme', 'hello');
    const data = event.data as { input: object };
    const altered = { ...event, data: { ...data, input: { ...data.input, sealed: 'AAAA' } } };
    expect(await shown.eventData(altered, reader)).to.include({ model: 'm', input: '[unreadable]' });
    const lost = {
      ...event,
      data: { ...data, input: { ...data.input, sealed: null, blob: `acme/${'0'.repeat(64)}` } },
    };
    expect(await shown.eventData(lost, reader)).to.include({ model: 'm', input: '[unreadable]' });
  });

  it('nothing sealed of any event that there is, whatever its fields are called', async () => {
    const sealed = await contents.seal('acme', 'the canary');
    for (const { category, schemas, stream } of aggregates)
      for (const [type, { fields }] of Object.entries(schemas)) {
        const data = Object.fromEntries(fields.map(({ name }) => [name, sealed]));
        const event = { ...recorded(createEvent('TenantReinstated', {}, ORIGIN), stream('x'), 0), type, data };
        const text = JSON.stringify(await shown.eventData(event, auditor));
        expect(text, `${category}: ${type}`).to.not.include(sealed.sealed ?? '?');
      }
  });
});
